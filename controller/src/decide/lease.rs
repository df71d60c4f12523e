//! Who leads, by the Lease that the replicas share (design.md section 6, decision 17).

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

/// How long a Lease holds after it was renewed.
pub const HOLDS: Duration = Duration::from_secs(15);
/// How often its holder renews it. So often that one call which an overloaded API server leaves without an answer, and which
/// is given up after four seconds, is not the end of the lead.
pub const RENEWED_EVERY: Duration = Duration::from_secs(3);
/// How long after its last renewal the holder still writes: what is on its way then has arrived before the Lease is over.
pub const WRITES_FOR: Duration = Duration::from_secs(10);
/// How often the others look at it, so that they notice soon when its holder gives it back.
pub const LOOKED_AT_EVERY: Duration = Duration::from_secs(1);

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// There is no Lease yet: make it.
    Create,
    /// It is nobody's any more: take it.
    Take,
    /// It is ours: renew it.
    Renew,
    /// It is somebody else's.
    Wait,
}

/// Decides. `unchanged_for` says since when this process has seen the Lease as it is: the clocks of other machines are not
/// trusted.
pub fn step(lease: Option<&Value>, identity: &str, unchanged_for: Duration) -> Step {
    let Some(lease) = lease else {
        return Step::Create;
    };
    let holds = lease.pointer("/spec/leaseDurationSeconds").and_then(Value::as_u64).map(Duration::from_secs);
    match holder(lease) {
        holder if holder == identity => Step::Renew,
        "" => Step::Take,
        _ if unchanged_for >= holds.unwrap_or(HOLDS) => Step::Take,
        _ => Step::Wait,
    }
}

/// Who holds it; empty for nobody.
pub fn holder(lease: &Value) -> &str {
    lease.pointer("/spec/holderIdentity").and_then(Value::as_str).unwrap_or_default()
}

/// A Lease that did not exist.
pub fn created(namespace: &str, name: &str, identity: &str, now: Timestamp) -> Value {
    json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"namespace": namespace, "name": name},
        "spec": spec(identity, &micro(now), &micro(now), 0),
    })
}

/// The Lease after it was taken or renewed. Its metadata stays, with the version that guards the write.
pub fn held(lease: &Value, identity: &str, now: Timestamp) -> Value {
    let now = micro(now);
    let transitions = lease.pointer("/spec/leaseTransitions").and_then(Value::as_i64).unwrap_or_default();
    let (since, transitions) = match holder(lease) == identity {
        true => (lease.pointer("/spec/acquireTime").and_then(Value::as_str).unwrap_or(&now), transitions),
        false => (now.as_str(), transitions.saturating_add(1)),
    };
    let mut next = lease.clone();
    next["spec"] = spec(identity, since, &now, transitions);
    next
}

/// The Lease after its holder gave it back.
pub fn given_back(lease: &Value, now: Timestamp) -> Value {
    let mut next = held(lease, holder(lease), now);
    next["spec"]["holderIdentity"] = "".into();
    next["spec"]["leaseDurationSeconds"] = 1.into();
    next
}

fn spec(identity: &str, since: &str, now: &str, transitions: i64) -> Value {
    json!({
        "holderIdentity": identity,
        "leaseDurationSeconds": HOLDS.as_secs(),
        "acquireTime": since,
        "renewTime": now,
        "leaseTransitions": transitions,
    })
}

/// The time format of Leases, which has six digits behind the point.
fn micro(time: Timestamp) -> String {
    format!("{time:.6}")
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::at;
    use super::*;

    fn lease(identity: &str) -> Value {
        let mut lease = created("NS", "controller", identity, at(0));
        lease["metadata"]["resourceVersion"] = "7".into();
        lease
    }

    #[test]
    fn a_lease_is_taken_when_it_is_nobodys_or_was_not_renewed_for_as_long_as_it_holds() {
        let seconds = Duration::from_secs;
        let (mine, theirs, free) = (lease("me"), lease("other"), lease(""));
        let mut long = lease("other");
        long["spec"]["leaseDurationSeconds"] = 60.into();
        let mut bare = lease("other");
        bare["spec"] = json!({"holderIdentity": "other"});
        let cases = [
            (None, 0, Step::Create),
            (Some(&mine), 0, Step::Renew),
            (Some(&mine), 99, Step::Renew),
            (Some(&free), 0, Step::Take),
            (Some(&theirs), 14, Step::Wait),
            (Some(&theirs), 15, Step::Take),
            (Some(&long), 59, Step::Wait),
            (Some(&long), 60, Step::Take),
            (Some(&bare), 14, Step::Wait),
            (Some(&bare), 15, Step::Take),
        ];
        for (lease, unchanged, want) in cases {
            assert_eq!(step(lease, "me", seconds(unchanged)), want, "{lease:?} {unchanged}");
        }
    }

    #[test]
    fn a_renewal_keeps_the_beginning_and_a_takeover_counts() {
        let renewed = held(&lease("me"), "me", at(5));
        assert_eq!(renewed["spec"]["acquireTime"], "2023-11-14T22:13:20.000000Z");
        assert_eq!(renewed["spec"]["renewTime"], "2023-11-14T22:13:25.000000Z");
        assert_eq!(renewed["spec"]["leaseTransitions"], 0);
        assert_eq!(renewed["metadata"]["resourceVersion"], "7");
        let taken = held(&lease("other"), "me", at(5));
        assert_eq!(holder(&taken), "me");
        assert_eq!(taken["spec"]["acquireTime"], "2023-11-14T22:13:25.000000Z");
        assert_eq!(taken["spec"]["leaseTransitions"], 1);
    }

    #[test]
    fn what_is_given_back_is_taken_at_once() {
        let back = given_back(&lease("other"), at(5));
        assert_eq!(back["metadata"]["resourceVersion"], "7");
        assert_eq!(step(Some(&back), "me", Duration::ZERO), Step::Take);
    }

    #[test]
    fn a_holder_stops_writing_well_before_others_may_take_over() {
        assert!(2 * RENEWED_EVERY < WRITES_FOR && WRITES_FOR + Duration::from_secs(5) <= HOLDS);
    }
}
