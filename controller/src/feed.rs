//! A watch that never ends: repeats after failures, says what is wrong once, and tells when its first list is over.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use kube::runtime::watcher::{self, Event};
use tokio::time::Instant;
use tracing::{debug, error};

use crate::api::chain;
use crate::readiness::Readiness;

/// Pause after a first failure; each further one doubles it.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// Longest pause while the API server is in trouble, while the resource is not defined, and while permission is missing.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_UNDEFINED: Duration = Duration::from_secs(5);
const LONGEST_FORBIDDEN: Duration = Duration::from_secs(60);

/// Whether the first list is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstList {
    /// Not yet.
    Open,
    /// All objects were delivered.
    Complete,
    /// It was refused: no permission, or no such resource. It is tried again all the same.
    Refused,
}

/// One watch.
pub struct Feed<K> {
    stream: BoxStream<'static, watcher::Result<Event<K>>>,
    what: &'static str,
    namespace: Option<String>,
    readiness: Arc<Readiness>,
    first_list: FirstList,
    is_complete: bool,
    /// When to go on after a failure, and how long the next pause is.
    resume_at: Option<Instant>,
    pause: Duration,
    /// The failure that was said last.
    said: Option<String>,
}

impl<K: Debug + Send + 'static> Feed<K> {
    /// A watch of `what`, in one namespace or all. Counts as one first list of `readiness`.
    pub fn new(
        stream: BoxStream<'static, watcher::Result<Event<K>>>,
        what: &'static str,
        namespace: Option<String>,
        readiness: Arc<Readiness>,
    ) -> Feed<K> {
        Feed {
            stream,
            what,
            namespace,
            readiness,
            first_list: FirstList::Open,
            is_complete: false,
            resume_at: None,
            pause: FIRST_PAUSE,
            said: None,
        }
    }

    /// State of the first list.
    pub fn first_list(&self) -> FirstList {
        self.first_list
    }

    /// Whether a list has ever been delivered whole.
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// The next event; waits as long as it takes. May be dropped and called again without losing anything.
    pub async fn next(&mut self) -> Event<K> {
        loop {
            if let Some(time) = self.resume_at {
                tokio::time::sleep_until(time).await;
                self.resume_at = None;
            }
            match self.stream.next().await {
                Some(Ok(event)) => {
                    self.progress(&event);
                    return event;
                }
                Some(Err(problem)) => {
                    self.failed(&problem);
                    if self.first_list == FirstList::Open && is_refusal(&problem) {
                        self.end_first_list(FirstList::Refused);
                        // Gives the caller a chance to notice; the list will begin again.
                        return Event::Init;
                    }
                }
                // The stream is made never to end.
                None => std::future::pending().await,
            }
        }
    }

    fn progress(&mut self, event: &Event<K>) {
        // A list that begins is no progress: it may fail again.
        if matches!(event, Event::Init) {
            return;
        }
        self.pause = FIRST_PAUSE;
        if !matches!(event, Event::InitApply(_)) {
            self.said = None;
        }
        if matches!(event, Event::InitDone) {
            self.is_complete = true;
            if self.first_list == FirstList::Open {
                self.end_first_list(FirstList::Complete);
            }
        }
    }

    fn end_first_list(&mut self, how: FirstList) {
        self.first_list = how;
        self.readiness.list_ended();
    }

    fn failed(&mut self, problem: &watcher::Error) {
        let (code, text) = describe(problem);
        let longest = match code {
            Some(403) => LONGEST_FORBIDDEN,
            Some(404) => LONGEST_UNDEFINED,
            _ => LONGEST_PAUSE,
        };
        self.pause = self.pause.min(longest);
        self.resume_at = Some(Instant::now() + self.pause);
        self.pause *= 2;
        let namespace = self.namespace.as_deref().unwrap_or("(all)");
        // 410 is how the API server says that it no longer has the history; the list that follows mends it.
        if code == Some(410) || self.said.as_ref() == Some(&text) {
            debug!(resource = self.what, namespace, error = text, "watch interrupted, will be repeated");
            return;
        }
        error!(resource = self.what, namespace, error = text, "watch failed, will be repeated");
        self.said = Some(text);
    }
}

fn is_refusal(problem: &watcher::Error) -> bool {
    matches!(problem, watcher::Error::InitialListFailed(kube::Error::Api(status)) if matches!(status.code, 403 | 404))
}

/// HTTP status and text of a failure. Parsers' messages are left out: they can quote what they read.
fn describe(problem: &watcher::Error) -> (Option<u16>, String) {
    let inner = match problem {
        watcher::Error::WatchError(status) => return (Some(status.code), status.message.clone()),
        watcher::Error::NoResourceVersion => return (None, problem.to_string()),
        watcher::Error::InitialListFailed(inner)
        | watcher::Error::WatchStartFailed(inner)
        | watcher::Error::WatchFailed(inner) => inner,
    };
    match inner {
        kube::Error::Api(status) => (Some(status.code), status.message.clone()),
        kube::Error::SerdeError(_) => (None, "the API server's answer could not be read".to_owned()),
        other => (None, chain(other)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use futures::stream;
    use kube::core::Status;

    use super::*;

    fn refusal(code: u16) -> watcher::Error {
        let status = Status { code, message: "no".to_owned(), ..Status::default() };
        watcher::Error::InitialListFailed(kube::Error::Api(Box::new(status)))
    }

    fn feed(events: Vec<watcher::Result<Event<u8>>>) -> (Feed<u8>, Arc<Readiness>) {
        let readiness = Arc::new(Readiness::default());
        readiness.keys_loaded();
        readiness.expect_lists(1);
        let stream = stream::iter(events).chain(stream::pending()).boxed();
        (Feed::new(stream, "tests", None, Arc::clone(&readiness)), readiness)
    }

    #[tokio::test(start_paused = true)]
    async fn failures_are_waited_out_with_growing_pauses_and_the_list_goes_on() {
        let (mut feed, readiness) = feed(vec![
            Ok(Event::Init),
            Err(refusal(500)),
            Ok(Event::Init),
            Err(refusal(500)),
            Ok(Event::Init),
            Ok(Event::InitApply(7)),
            Ok(Event::InitDone),
        ]);
        let start = Instant::now();
        let mut last = None;
        while feed.first_list() == FirstList::Open {
            assert_eq!(readiness.reply().status(), 503);
            last = Some(feed.next().await);
        }
        assert!(matches!(last, Some(Event::InitDone)));
        assert_eq!(start.elapsed(), FIRST_PAUSE * 3);
        assert_eq!(readiness.reply().status(), 200);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_first_list_counts_as_ended_and_is_tried_again() {
        for code in [403, 404] {
            let (mut feed, readiness) = feed(vec![
                Ok(Event::Init),
                Err(refusal(code)),
                Ok(Event::Init),
                Ok(Event::InitDone),
                Err(refusal(code)),
            ]);
            feed.next().await;
            feed.next().await;
            assert_eq!(feed.first_list(), FirstList::Refused);
            assert_eq!(readiness.reply().status(), 200);
            feed.next().await;
            assert!(matches!(feed.next().await, Event::InitDone));
        }
    }

    #[test]
    fn parsers_messages_are_not_repeated() {
        let quoting = serde_json::from_str::<u8>("\"s3cret\"").unwrap_err();
        assert!(quoting.to_string().contains("s3cret"));
        let problem = watcher::Error::WatchFailed(kube::Error::SerdeError(quoting));
        assert!(!describe(&problem).1.contains("s3cret"));
    }
}
