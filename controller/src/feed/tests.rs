#![allow(clippy::unwrap_used)]

use futures::{FutureExt, stream};
use kube::core::Status;

use super::*;

type Script = Vec<watcher::Result<Event<u8>>>;

fn refusal(code: u16) -> watcher::Error {
    watcher::Error::InitialListFailed(refused(code))
}

fn refused(code: u16) -> kube::Error {
    kube::Error::Api(Box::new(Status { code, message: "no".to_owned(), ..Status::default() }))
}

/// A watch that goes on like this when lists are streamed, and like that when they are paged.
fn feed(streamed: Script, paged: Script) -> (Feed<u8>, Arc<Readiness>) {
    let readiness = Arc::new(Readiness::default());
    readiness.keys_loaded();
    readiness.expect_lists(1);
    let scripts = std::sync::Mutex::new((Some(streamed), Some(paged)));
    let source = move |lists| {
        let mut scripts = scripts.lock().unwrap();
        let script = match lists {
            Lists::Streamed => scripts.0.take(),
            Lists::Paged => scripts.1.take(),
        };
        stream::iter(script.unwrap()).chain(stream::pending()).boxed()
    };
    (Feed::new(source, "tests", None, Arc::clone(&readiness)), readiness)
}

/// The status that `/readyz` has when the first list has ended, and when the caller asks for more.
fn readiness_after(feed: &mut Feed<u8>, readiness: &Readiness) -> [u16; 2] {
    let before = readiness.reply().status().as_u16();
    assert!(feed.next().now_or_never().is_none(), "there is nothing more for now");
    [before, readiness.reply().status().as_u16()]
}

#[tokio::test(start_paused = true)]
async fn failures_are_waited_out_with_growing_pauses_and_the_list_goes_on() {
    let script = vec![
        Ok(Event::Init),
        Err(refusal(500)),
        Ok(Event::Init),
        Err(refusal(500)),
        Ok(Event::Init),
        Ok(Event::InitApply(7)),
        Ok(Event::InitDone),
    ];
    let (mut feed, readiness) = feed(script, Vec::new());
    let start = Instant::now();
    let mut last = None;
    while feed.first_list() == FirstList::Open {
        assert_eq!(readiness.reply().status(), 503);
        last = Some(feed.next().await);
    }
    assert!(matches!(last, Some(Event::InitDone)));
    assert_eq!(start.elapsed(), FIRST_PAUSE * 3);
    assert_eq!(readiness_after(&mut feed, &readiness), [503, 200]);
    assert_eq!(feed.lists, Lists::Streamed);
}

#[tokio::test(start_paused = true)]
async fn a_refused_first_list_counts_as_ended_and_is_tried_again() {
    for code in [403, 404] {
        let script =
            vec![Ok(Event::Init), Err(refusal(code)), Ok(Event::Init), Ok(Event::InitDone), Err(refusal(code))];
        let (mut feed, readiness) = feed(script, Vec::new());
        feed.next().await;
        feed.next().await;
        assert_eq!(feed.first_list(), FirstList::Refused);
        assert_eq!(readiness_after(&mut feed, &readiness), [503, 200]);
        feed.next().await;
        assert!(matches!(feed.next().await, Event::InitDone));
    }
}

#[tokio::test(start_paused = true)]
async fn where_lists_do_not_come_over_the_watch_they_come_in_pages() {
    let started = |code| Err(watcher::Error::WatchStartFailed(refused(code)));
    let silent = || vec![Ok(Event::Init), Ok(Event::InitApply(7))];
    let broken_off = vec![Ok(Event::Init), Ok(Event::InitApply(7)), Ok(Event::Init), Ok(Event::InitApply(7))];
    let scripts =
        [(vec![started(400)], 0), (vec![started(403)], 0), (vec![started(422)], 0), (broken_off, 0), (silent(), 5)];
    for (index, (streamed, seconds)) in scripts.into_iter().enumerate() {
        let (mut feed, readiness) = feed(streamed, vec![Ok(Event::Init), Ok(Event::InitApply(8)), Ok(Event::InitDone)]);
        let start = Instant::now();
        let mut listed = Vec::new();
        loop {
            match feed.next().await {
                Event::Init => listed.clear(),
                Event::InitApply(object) => listed.push(object),
                Event::InitDone => break,
                other => assert!(matches!(other, Event::Init), "case {index}"),
            }
        }
        assert_eq!(listed, [8], "case {index}: nothing is left of the list that was given up");
        assert_eq!(start.elapsed().as_secs(), seconds, "case {index}");
        assert_eq!(readiness_after(&mut feed, &readiness), [503, 200]);
        assert_eq!(feed.lists, Lists::Paged);
    }
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_list_over_the_watch_is_asked_for_again_in_the_same_way() {
    let interrupted = Err(watcher::Error::WatchFailed(refused(500)));
    let script = vec![Ok(Event::Init), interrupted, Ok(Event::Init), Ok(Event::InitDone), Ok(Event::Apply(1))];
    let (mut feed, _) = feed(script, Vec::new());
    for _ in 0..3 {
        feed.next().await;
    }
    tokio::time::sleep(LONGEST_LIST_SILENCE * 2).await;
    assert!(matches!(feed.next().await, Event::Apply(1)), "after the list, silence means nothing");
    assert_eq!(feed.lists, Lists::Streamed);
}

#[tokio::test(start_paused = true)]
async fn a_watch_whose_history_is_gone_begins_with_a_list() {
    let gone = || Err(watcher::Error::WatchStartFailed(refused(410)));
    let readiness = Arc::new(Readiness::default());
    readiness.expect_lists(1);
    let scripts = std::sync::Mutex::new(vec![
        vec![Ok(Event::Init), Ok(Event::InitApply(2)), Ok(Event::InitDone)],
        vec![Ok(Event::Init), Ok(Event::InitApply(1)), Ok(Event::InitDone), gone()],
    ]);
    let source = move |_| stream::iter(scripts.lock().unwrap().pop().unwrap()).chain(stream::pending()).boxed();
    let mut feed: Feed<u8> = Feed::new(source, "tests", None, readiness);
    let mut listed = Vec::new();
    while listed.len() < 2 {
        if let Event::InitApply(object) = feed.next().await {
            listed.push(object);
        }
    }
    assert_eq!(listed, [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_defined_yet_is_no_reason_for_pages() {
    let missing = Err(watcher::Error::WatchStartFailed(refused(404)));
    let (mut feed, readiness) = feed(vec![missing, Ok(Event::Init), Ok(Event::InitDone)], Vec::new());
    feed.next().await;
    assert_eq!(feed.first_list(), FirstList::Refused);
    assert_eq!(readiness_after(&mut feed, &readiness), [503, 200]);
    feed.next().await;
    assert!(matches!(feed.next().await, Event::InitDone));
    assert_eq!(feed.lists, Lists::Streamed);
}

#[test]
fn parsers_messages_are_not_repeated() {
    let quoting = serde_json::from_str::<u8>("\"s3cret\"").unwrap_err();
    assert!(quoting.to_string().contains("s3cret"));
    let problem = watcher::Error::WatchFailed(kube::Error::SerdeError(quoting));
    assert!(!describe(&problem).1.contains("s3cret"));
}
