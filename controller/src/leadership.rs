//! Whether this replica may write (design.md section 6). Asked before every write, and waited for by whoever writes.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::Instant;

/// A handle; clones share the standing.
#[derive(Clone)]
pub struct Leadership(Arc<watch::Sender<State>>);

#[derive(Clone, Copy)]
struct State {
    standing: Standing,
    /// Counts how often the lead was gained.
    term: u64,
}

#[derive(Clone, Copy)]
enum Standing {
    Follower,
    LeaderUntil(Instant),
    /// There is no election.
    Always,
}

impl Leadership {
    /// Of a replica that does not lead yet.
    pub fn follower() -> Leadership {
        Leadership(Arc::new(watch::Sender::new(State { standing: Standing::Follower, term: 0 })))
    }

    /// Of a process without election.
    pub fn always() -> Leadership {
        Leadership(Arc::new(watch::Sender::new(State { standing: Standing::Always, term: 1 })))
    }

    /// Says that this replica leads until then. Gives whether that is news.
    pub fn lead_until(&self, end: Instant) -> bool {
        let led = self.is_leading();
        self.0.send_modify(|state| {
            state.standing = Standing::LeaderUntil(end);
            state.term += u64::from(!led);
        });
        !led
    }

    /// Says that this replica does not lead.
    pub fn follow(&self) {
        self.0.send_modify(|state| state.standing = Standing::Follower);
    }

    /// Says that there is no election any more.
    pub fn end_election(&self) {
        let led = self.is_leading();
        self.0.send_modify(|state| {
            state.standing = Standing::Always;
            state.term += u64::from(!led);
        });
    }

    /// Whether there is an election.
    pub fn is_elected(&self) -> bool {
        !matches!(self.0.borrow().standing, Standing::Always)
    }

    /// The number of the time that this replica leads, while it does.
    pub fn term(&self) -> Option<u64> {
        self.0.borrow().leading_term()
    }

    /// Whether this replica leads.
    pub fn is_leading(&self) -> bool {
        self.term().is_some()
    }

    /// Waits until this replica leads.
    pub async fn gained(&self) {
        self.until(|term| term.is_some()).await;
    }

    /// Waits until it does not.
    pub async fn lost(&self) {
        self.until(|term| term.is_none()).await;
    }

    /// Waits until [`Leadership::term`] is another one.
    pub async fn changed_from(&self, term: Option<u64>) {
        self.until(|now| now != term).await;
    }

    async fn until(&self, wanted: impl Fn(Option<u64>) -> bool) {
        let mut changes = self.0.subscribe();
        loop {
            let state = *changes.borrow_and_update();
            if wanted(state.leading_term()) {
                return;
            }
            let end = match state.standing {
                Standing::LeaderUntil(end) if state.leads() => Some(end),
                _ => None,
            };
            let over = async {
                match end {
                    Some(end) => tokio::time::sleep_until(end).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                // The sender lives as long as this handle.
                _ = changes.changed() => {}
                () = over => {}
            }
        }
    }
}

impl State {
    fn leading_term(&self) -> Option<u64> {
        self.leads().then_some(self.term)
    }

    fn leads(&self) -> bool {
        match self.standing {
            Standing::Follower => false,
            Standing::LeaderUntil(end) => Instant::now() < end,
            Standing::Always => true,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Duration;

    use futures::FutureExt;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn the_lead_ends_by_itself_when_nobody_extends_it() {
        let leadership = Leadership::follower();
        assert!(leadership.gained().now_or_never().is_none());
        assert!(leadership.lead_until(Instant::now() + SECOND));
        leadership.gained().await;
        assert!(leadership.lost().now_or_never().is_none());
        assert!(!leadership.lead_until(Instant::now() + 2 * SECOND), "no news");
        let began = Instant::now();
        leadership.lost().await;
        assert_eq!(began.elapsed(), 2 * SECOND);
        assert!(!leadership.is_leading());
    }

    #[tokio::test(start_paused = true)]
    async fn an_extension_is_noticed_by_who_waits_for_the_end() {
        let leadership = Leadership::follower();
        leadership.lead_until(Instant::now() + SECOND);
        let began = Instant::now();
        let extend = async {
            tokio::time::sleep(SECOND / 2).await;
            leadership.lead_until(Instant::now() + SECOND);
        };
        tokio::join!(leadership.lost(), extend);
        assert_eq!(began.elapsed(), SECOND * 3 / 2);
    }

    #[tokio::test(start_paused = true)]
    async fn every_time_of_leading_has_a_number_of_its_own() {
        let leadership = Leadership::follower();
        assert_eq!(leadership.term(), None);
        leadership.lead_until(Instant::now() + SECOND);
        let first = leadership.term().unwrap();
        leadership.lead_until(Instant::now() + 2 * SECOND);
        assert_eq!(leadership.term(), Some(first));
        leadership.follow();
        assert_eq!(leadership.term(), None);
        leadership.end_election();
        assert!(leadership.term().unwrap() > first);
        assert!(Leadership::always().is_leading());
    }
}
