//! A watch that never ends: repeats after failures, says what is wrong once, and tells when its first list is over.
//!
//! The list comes object by object over the watch where the API server can do that, so that it is never held as a whole,
//! and otherwise in pages.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use kube::runtime::watcher::{self, Event};
use tokio::time::Instant;
use tracing::{debug, error};

use crate::api::chain;
use crate::client::LONGEST_WATCH;
use crate::readiness::Readiness;

/// Pause after a first failure; each further one doubles it.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// Longest pause while the API server is in trouble, while the resource is not defined, and while permission is missing.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_UNDEFINED: Duration = Duration::from_secs(5);
const LONGEST_FORBIDDEN: Duration = Duration::from_secs(60);

/// Longest silence within a list that comes over the watch. API servers before 1.19 send the objects and never say that
/// these were all.
const LONGEST_LIST_SILENCE: Duration = Duration::from_secs(5);

/// How lists are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lists {
    /// Over the watch (`sendInitialEvents`), where they are one object at a time. Kubernetes 1.32 and later, as a rule.
    Streamed,
    /// In pages, by calls of their own. Every API server can do that.
    Paged,
}

impl Lists {
    /// What [`watcher::watcher`] is to be started with.
    pub fn config(self) -> watcher::Config {
        let config = watcher::Config::default().timeout(LONGEST_WATCH);
        match self {
            Lists::Streamed => config.streaming_lists(),
            Lists::Paged => config,
        }
    }
}

/// Starts a watch that asks for lists in this way.
type Source<K> = Box<dyn Fn(Lists) -> Events<K> + Send>;
type Events<K> = BoxStream<'static, watcher::Result<Event<K>>>;

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
    source: Source<K>,
    stream: Events<K>,
    lists: Lists,
    /// While a streamed list is coming in: when something was last heard.
    list_heard: Option<Instant>,
    what: &'static str,
    namespace: Option<String>,
    readiness: Arc<Readiness>,
    first_list: FirstList,
    /// Whether the end of the first list is still to be told, once the caller has made what it makes of it.
    is_end_untold: bool,
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
        source: impl Fn(Lists) -> Events<K> + Send + 'static,
        what: &'static str,
        namespace: Option<String>,
        readiness: Arc<Readiness>,
    ) -> Feed<K> {
        Feed {
            stream: source(Lists::Streamed),
            source: Box::new(source),
            lists: Lists::Streamed,
            list_heard: None,
            what,
            namespace,
            readiness,
            first_list: FirstList::Open,
            is_end_untold: false,
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
    ///
    /// With the call after the one that ended the first list the readiness is told: by then everything was given out.
    pub async fn next(&mut self) -> Event<K> {
        if std::mem::take(&mut self.is_end_untold) {
            self.readiness.list_ended();
        }
        loop {
            if let Some(time) = self.resume_at {
                tokio::time::sleep_until(time).await;
                self.resume_at = None;
            }
            let item = match self.list_heard {
                None => self.stream.next().await,
                Some(heard) => match tokio::time::timeout_at(heard + LONGEST_LIST_SILENCE, self.stream.next()).await {
                    Ok(item) => item,
                    Err(_) => {
                        self.page_lists("a list over the watch has no end");
                        continue;
                    }
                },
            };
            match item {
                Some(Ok(Event::Init)) if self.list_heard.is_some() => {
                    // Without an error in between: the watch was over before the list was.
                    self.page_lists("a list over the watch did not come to its end");
                }
                Some(Ok(event)) => {
                    self.progress(&event);
                    return event;
                }
                Some(Err(problem)) if self.lists == Lists::Streamed && is_unknown_request(&problem) => {
                    self.page_lists("lists over the watch are refused");
                }
                Some(Err(problem)) => {
                    if is_resumption_refused(&problem) {
                        // The stream would ask for the same history again and again.
                        self.stream = (self.source)(self.lists);
                    }
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

    /// Begins anew with what every API server can do.
    fn page_lists(&mut self, reason: &'static str) {
        debug!(resource = self.what, reason, "lists are asked for in pages from now on");
        self.lists = Lists::Paged;
        self.list_heard = None;
        self.stream = (self.source)(Lists::Paged);
    }

    fn progress(&mut self, event: &Event<K>) {
        let is_listing = matches!(event, Event::Init | Event::InitApply(_));
        self.list_heard = (is_listing && self.lists == Lists::Streamed).then(Instant::now);
        // A list that begins is no progress: it may fail again.
        if matches!(event, Event::Init) {
            return;
        }
        self.pause = FIRST_PAUSE;
        if !is_listing {
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
        self.is_end_untold = true;
    }

    fn failed(&mut self, problem: &watcher::Error) {
        self.list_heard = None;
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
    matches!(start_refused(problem), Some(403 | 404))
}

/// Whether the history that a watch wants to go on from is gone, said by status and not by an event of the watch.
fn is_resumption_refused(problem: &watcher::Error) -> bool {
    matches!(problem, watcher::Error::WatchStartFailed(kube::Error::Api(status)) if status.code == 410)
}

/// Whether the API server does not take the request for a list over the watch: it is older than that, has it switched off,
/// or permits lists and not watches.
fn is_unknown_request(problem: &watcher::Error) -> bool {
    matches!(problem, watcher::Error::WatchStartFailed(_))
        && matches!(start_refused(problem), Some(400 | 403 | 406 | 422))
}

/// The HTTP status with which a list or watch was refused at its beginning.
fn start_refused(problem: &watcher::Error) -> Option<u16> {
    match problem {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status)) => Some(status.code),
        _ => None,
    }
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
mod tests;
