//! Each published permission and what it is for.

use std::time::Duration;

use sealed_secrets_tests::{Resource, eventually};
use serde_json::json;

use super::case::Case;

/// What a permission is for.
pub(super) struct Row {
    pub(super) permission: (&'static str, &'static str, &'static str),
    /// Whether it is missing from the start, or from when the controller is ready.
    pub(super) missing: Missing,
    pub(super) flags: &'static [&'static str],
    /// Whether the API server is one that does not send lists over the watch; for the others `list` is not needed.
    pub(super) is_paged: bool,
    /// Done while the permission is there.
    pub(super) before: fn(&Case<'_>),
    /// Done without it: looks that this does not work, and that something else does.
    pub(super) without: fn(&Case<'_>),
    /// What must come true once it is back.
    pub(super) recovered: fn(&Case<'_>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    FromStart,
    WhileRunning,
    /// As [`Missing::FromStart`], and the start is refused.
    NoStart,
}
use Missing::{FromStart, NoStart, WhileRunning};

pub(super) const ROWS: [Row; 16] = [
    Row {
        permission: ("ClusterRole", "events", "create"),
        missing: WhileRunning,
        flags: &[],
        is_paged: false,
        before: |_| {},
        without: |case| {
            case.put("db", "one");
            case.made("db", "one");
            case.logged("cannot create resource \"events\"");
            case.logged("/db reason=Unsealed");
        },
        recovered: |case| {
            case.put("other", "one");
            eventually("an event is there", || case.events("other").pop());
        },
    },
    Row {
        permission: ("ClusterRole", "events", "patch"),
        missing: WhileRunning,
        flags: &[],
        is_paged: false,
        before: |case| {
            case.put("db", "one");
            eventually("an event is there", || case.events("db").pop());
        },
        without: |case| {
            case.put("db", "two");
            case.made("db", "two");
            case.logged("cannot patch resource \"events\"");
            assert_eq!(case.events("db")[0]["count"], 1);
        },
        recovered: |case| {
            case.put("db", "three");
            eventually("the event is counted", || {
                case.events("db").iter().any(|event| event["count"].as_u64() > Some(1)).then_some(())
            });
        },
    },
    Row {
        permission: ("ClusterRole", "namespaces", "get"),
        missing: NoStart,
        flags: &[],
        is_paged: false,
        before: |_| {},
        without: |_| {},
        recovered: |case| {
            case.put("db", "one");
            case.made("db", "one");
        },
    },
    Row {
        permission: ("ClusterRole", "sealedsecrets", "get"),
        missing: WhileRunning,
        flags: &[],
        is_paged: false,
        before: one_is_made,
        without: |case| {
            case.delete_secret("db");
            case.logged("cannot get resource \"sealedsecrets\"");
            assert!(case.items("db").is_none(), "it is not known whether it is still wanted");
            case.put("other", "one");
            case.made("other", "one");
        },
        recovered: |case| case.made("db", "one"),
    },
    Row {
        permission: ("ClusterRole", "sealedsecrets", "list"),
        missing: FromStart,
        flags: &[],
        is_paged: true,
        before: |case| case.put("db", "one"),
        without: |case| {
            case.logged("cannot list resource \"sealedsecrets\"");
            assert!(case.items("db").is_none());
        },
        recovered: |case| case.made("db", "one"),
    },
    Row {
        permission: ("ClusterRole", "sealedsecrets", "watch"),
        missing: FromStart,
        flags: &[],
        is_paged: false,
        before: |case| case.put("db", "one"),
        without: |case| {
            case.made("db", "one");
            case.logged("cannot watch resource \"sealedsecrets\"");
            case.put("late", "one");
        },
        recovered: |case| case.made("late", "one"),
    },
    Row {
        permission: ("ClusterRole", "sealedsecrets/status", "update"),
        missing: WhileRunning,
        flags: &[],
        is_paged: false,
        before: |_| {},
        without: |case| {
            case.put("db", "one");
            case.made("db", "one");
            case.logged("cannot update resource \"sealedsecrets/status\"");
        },
        recovered: |case| case.synced("db"),
    },
    Row {
        permission: ("ClusterRole", "secrets", "create"),
        missing: WhileRunning,
        flags: &[],
        is_paged: false,
        before: |case| {
            case.put("there", "one");
            case.made("there", "one");
        },
        without: |case| {
            case.put("db", "one");
            case.logged("cannot create resource \"secrets\"");
            case.put("there", "two");
            case.made("there", "two");
            assert!(case.items("db").is_none());
        },
        recovered: |case| {
            case.made("db", "one");
            case.synced("db");
        },
    },
    Row {
        permission: ("ClusterRole", "secrets", "delete"),
        missing: WhileRunning,
        flags: &["--old-gc-behavior"],
        is_paged: false,
        before: |case| {
            case.put("db", "one");
            case.made("db", "one");
            // Held, so that the garbage collector of this cluster cannot finish first.
            case.hold_secret("db", &json!(["test.example/hold"]));
        },
        without: |case| {
            case.world.api().delete(Resource::SEALED, &case.watched, "db");
            case.logged("cannot delete resource \"secrets\"");
            case.put("other", "one");
            case.made("other", "one");
        },
        recovered: |case| {
            eventually("the controller deletes the Secret", || {
                let calls = case.world.calls();
                calls.into_iter().find(|call| call.verb == "delete" && call.resource == "secrets" && call.code == 200)
            });
            case.hold_secret("db", &json!(null));
        },
    },
    Row {
        permission: ("ClusterRole", "secrets", "get"),
        missing: WhileRunning,
        flags: &[],
        is_paged: false,
        before: one_is_made,
        without: |case| {
            case.put("db", "two");
            case.logged("cannot get resource \"secrets\"");
            case.made("db", "one");
        },
        recovered: |case| {
            case.made("db", "two");
            case.synced("db");
        },
    },
    Row {
        permission: ("ClusterRole", "secrets", "list"),
        missing: FromStart,
        flags: &[],
        is_paged: true,
        before: |case| case.put("db", "one"),
        without: |case| {
            case.logged("cannot list resource \"secrets\"");
            case.made("db", "one");
            case.put("other", "one");
            case.made("other", "one");
            case.delete_secret("db");
        },
        recovered: deleted_secrets_come_back,
    },
    Row {
        permission: ("ClusterRole", "secrets", "update"),
        missing: WhileRunning,
        flags: &[],
        is_paged: false,
        before: one_is_made,
        without: |case| {
            case.put("db", "two");
            case.logged("cannot update resource \"secrets\"");
            case.made("db", "one");
            case.put("other", "one");
            case.made("other", "one");
        },
        recovered: |case| {
            case.made("db", "two");
            case.synced("db");
        },
    },
    Row {
        permission: ("ClusterRole", "secrets", "watch"),
        missing: FromStart,
        flags: &[],
        is_paged: false,
        before: |case| case.put("db", "one"),
        without: |case| {
            case.logged("cannot watch resource \"secrets\"");
            case.made("db", "one");
            case.put("other", "one");
            case.made("other", "one");
        },
        recovered: deleted_secrets_come_back,
    },
    Row {
        permission: ("Role", "leases", "create"),
        missing: FromStart,
        flags: &[],
        is_paged: false,
        before: |_| {},
        without: without_election,
        recovered: |_| {},
    },
    Row {
        permission: ("Role", "leases", "get"),
        missing: FromStart,
        flags: &[],
        is_paged: false,
        before: |_| {},
        without: without_election,
        recovered: |_| {},
    },
    Row {
        permission: ("Role", "leases", "update"),
        missing: WhileRunning,
        flags: &[],
        is_paged: false,
        before: |_| {},
        without: without_election,
        recovered: |_| {},
    },
];

/// Those of the Role, which count for themselves only where the cluster role does not.
pub(super) const KEY_ROWS: [(&str, &str); 2] = [("secrets", "create"), ("secrets", "list")];

fn one_is_made(case: &Case<'_>) {
    case.put("db", "one");
    case.made("db", "one");
}

fn deleted_secrets_come_back(case: &Case<'_>) {
    eventually("deleted Secrets come back", || {
        case.delete_secret("other");
        std::thread::sleep(Duration::from_millis(500));
        case.items("other")
    });
}

fn without_election(case: &Case<'_>) {
    case.logged("leases are forbidden");
    one_is_made(case);
    case.synced("db");
}
