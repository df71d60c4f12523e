//! The published roles are enough, and each permission in them is needed: taken away one at a time, each breaks what the
//! table says, with a line in the log that names it, without a crash and without a busy loop; given back, all is well.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sealed_secrets_tests::{
    Controller, Fault, KeyPair, Launch, Permission, Proxy, Resource, Rule, World, decoded, end_to_end, eventually,
    published_permissions,
};
use serde_json::json;

/// Tests of the table that run at the same time.
const AT_ONCE: usize = 4;
/// Calls that a controller may make in so many seconds after a refusal: five fast repetitions, then a few slow ones.
const WINDOW: Duration = Duration::from_secs(5);
const CALLS_IN_WINDOW: usize = 45;
const REFUSALS_IN_WINDOW: usize = 15;

/// What a permission is for.
struct Row {
    permission: (&'static str, &'static str, &'static str),
    /// Whether it is missing from the start, or from when the controller is ready.
    missing: Missing,
    flags: &'static [&'static str],
    /// Whether the API server is one that does not send lists over the watch; for the others `list` is not needed.
    is_paged: bool,
    /// Done while the permission is there.
    before: fn(&Case<'_>),
    /// Done without it: looks that this does not work, and that something else does.
    without: fn(&Case<'_>),
    /// What must come true once it is back.
    recovered: fn(&Case<'_>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    FromStart,
    WhileRunning,
    /// As [`Missing::FromStart`], and the start is refused.
    NoStart,
}
use Missing::{FromStart, NoStart, WhileRunning};

const ROWS: [Row; 16] = [
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
        before: |case| {
            case.put("db", "one");
            case.made("db", "one");
        },
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
        before: |case| {
            case.put("db", "one");
            case.made("db", "one");
        },
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
        recovered: |case| {
            eventually("deleted Secrets come back", || {
                case.delete_secret("other");
                std::thread::sleep(Duration::from_millis(500));
                case.items("other")
            });
        },
    },
    Row {
        permission: ("ClusterRole", "secrets", "update"),
        missing: WhileRunning,
        flags: &[],
        is_paged: false,
        before: |case| {
            case.put("db", "one");
            case.made("db", "one");
        },
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
        recovered: |case| {
            eventually("deleted Secrets come back", || {
                case.delete_secret("other");
                std::thread::sleep(Duration::from_millis(500));
                case.items("other")
            });
        },
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
const KEY_ROWS: [(&str, &str); 2] = [("secrets", "create"), ("secrets", "list")];

fn without_election(case: &Case<'_>) {
    case.logged("leases are forbidden");
    case.put("db", "one");
    case.made("db", "one");
    case.synced("db");
}

#[test]
fn every_published_permission_stands_in_the_table() {
    let permission = |role: &str, resource: &str, verb: &str| Permission {
        role: role.to_owned(),
        resource: resource.to_owned(),
        verb: verb.to_owned(),
    };
    let rows = ROWS.iter().map(|Row { permission: (role, resource, verb), .. }| permission(role, resource, verb));
    let keys = KEY_ROWS.iter().map(|(resource, verb)| permission("Role", resource, verb));
    let mut table: Vec<Permission> = rows.chain(keys).collect();
    table.sort();
    assert_eq!(table, published_permissions());
}

#[test]
fn each_missing_permission_breaks_one_thing_and_says_so() {
    std::thread::scope(|scope| {
        let tests: Vec<_> = (0..AT_ONCE)
            .map(|first| {
                let rows = ROWS.iter().skip(first).step_by(AT_ONCE);
                scope.spawn(move || rows.filter(|row| !is_kept(row)).map(|row| row.permission).collect::<Vec<_>>())
            })
            .collect();
        let failed: Vec<_> = tests.into_iter().flat_map(|test| test.join().unwrap()).collect();
        assert_eq!(failed, [], "rows that failed, shown above");
    });
}

/// Tries one row, in a thread that gives its namespace a name that tells.
fn is_kept(row: &Row) -> bool {
    let (_, resource, verb) = row.permission;
    let name = format!("{verb}-{}", resource.replace('/', "-"));
    std::thread::scope(|scope| {
        std::thread::Builder::new().name(name).spawn_scoped(scope, || try_row(row)).unwrap().join().is_ok()
    })
}

fn try_row(row: &Row) {
    end_to_end(|world| {
        let (role, resource, verb) = row.permission;
        let permission = Permission { role: role.to_owned(), resource: resource.to_owned(), verb: verb.to_owned() };
        world.own_cluster_role();
        let watched = world.another_namespace();
        let pair = KeyPair::valid_from("2024-01-01T00:00:00Z");
        world.create(&pair.secret("key"));
        // The Role counts in the own namespace, the cluster role for itself only elsewhere.
        let place = if role == "Role" { world.namespace.clone() } else { watched.clone() };
        let begin = Timestamp::now();
        let proxy = row.is_paged.then(|| {
            let proxy = Proxy::start();
            proxy.add(Rule::on("sendInitialEvents=true", Fault::Refuse(422, None)));
            proxy
        });
        let mut case = Case { world, watched, pair, proxy, controller: None, begin };

        if row.missing == WhileRunning {
            case.controller = Some(case.launch(row.flags).start());
        }
        (row.before)(&case);
        world.take(&permission, &place);
        case.begin = Timestamp::now();
        match row.missing {
            WhileRunning => {}
            FromStart => case.controller = Some(case.launch(row.flags).start()),
            NoStart => {
                let refused = case.launch(row.flags).run();
                assert_eq!(refused.code, Some(2), "{}", refused.stderr);
                assert!(
                    refused.stderr.contains(&format!("cannot {verb} resource \"{resource}\"")),
                    "{}",
                    refused.stderr
                );
            }
        }
        (row.without)(&case);
        case.is_calm();
        world.give_back(&permission, &place);
        if row.missing == NoStart {
            case.controller = Some(case.launch(row.flags).start());
        }
        (row.recovered)(&case);
        case.serves();
    });
}

/// In its own namespace the account needs both verbs on key Secrets where the cluster role is bound elsewhere only.
#[test]
fn without_permission_to_list_keys_the_start_is_refused_and_without_create_no_key_is_made() {
    end_to_end(|world| {
        let watched = world.another_namespace();
        world.bind_cluster_role_only_in(&watched);
        let pair = KeyPair::valid_from("2024-01-01T00:00:00Z");
        world.create(&pair.secret("key"));
        let case = Case { world, watched, pair, proxy: None, controller: None, begin: Timestamp::now() };
        let permission =
            |verb: &str| Permission { role: "Role".to_owned(), resource: "secrets".to_owned(), verb: verb.to_owned() };

        world.take(&permission("list"), &world.namespace);
        let refused = case.launch(&[]).run();
        assert_eq!(refused.code, Some(2), "{}", refused.stderr);
        assert!(refused.stderr.contains("cannot list resource \"secrets\""), "{}", refused.stderr);
        world.give_back(&permission("list"), &world.namespace);

        world.take(&permission("create"), &world.namespace);
        let case = Case { controller: Some(case.launch(&[]).start()), begin: Timestamp::now(), ..case };
        let controller = case.controller();
        controller.signal("USR1");
        case.logged("cannot create resource \"secrets\"");
        assert_eq!(controller.certificate(), case.pair.certificate);
        case.put("db", "one");
        case.made("db", "one");
        case.is_calm();
        // One namespace that may not be watched does not disturb the others.
        case.logged("cannot list resource \"sealedsecrets\"");
        world.give_back(&permission("create"), &world.namespace);
        controller.signal("USR1");
        controller.next_certificate(&case.pair.certificate);
    });
}

/// One row at work.
struct Case<'a> {
    world: &'a World,
    /// A namespace in which nothing but the cluster role counts.
    watched: String,
    pair: KeyPair,
    proxy: Option<Proxy>,
    controller: Option<Arc<Controller>>,
    /// Since when the permission is missing.
    begin: Timestamp,
}

impl<'a> Case<'a> {
    fn launch(&self, flags: &[&str]) -> Launch<'a> {
        let launch = self.world.controller().arg("--key-renew-period=0");
        let launch = launch.arg(&format!("--additional-namespaces={}", self.watched));
        let launch = self.proxy.iter().fold(launch, Launch::through);
        flags.iter().fold(launch, |launch, flag| launch.arg(flag))
    }

    fn controller(&self) -> &Controller {
        self.controller.as_ref().unwrap()
    }

    /// Creates the SealedSecret, or gives it another value.
    fn put(&self, name: &str, value: &str) {
        let sealed = self.pair.sealed_secret(&self.watched, name, "foo", value);
        match self.world.api().get(Resource::SEALED, &self.watched, name) {
            None => self.world.create(&sealed),
            Some(_) => self.world.api().set(Resource::SEALED, &self.watched, name, "/spec", &sealed["spec"]),
        };
    }

    fn items(&self, name: &str) -> Option<String> {
        let secret = self.world.api().get(Resource::SECRET, &self.watched, name)?;
        decoded(&secret).remove("foo")
    }

    fn made(&self, name: &str, value: &str) {
        eventually(&format!("Secret {name} holds {value:?}"), || {
            self.items(name).filter(|held| held == value).map(drop)
        });
    }

    fn synced(&self, name: &str) {
        eventually(&format!("SealedSecret {name} is synced"), || {
            let found = self.world.api().get(Resource::SEALED, &self.watched, name)?;
            (sealed_secrets_tests::condition_status(&found, "Synced") == "True").then_some(())
        });
    }

    fn events(&self, name: &str) -> Vec<sealed_secrets_tests::Object> {
        let query = format!("fieldSelector=involvedObject.name%3D{name}");
        self.world.api().list(Resource::EVENT, &self.watched, &query)
    }

    fn delete_secret(&self, name: &str) {
        self.world.api().delete(Resource::SECRET, &self.watched, name);
    }

    fn hold_secret(&self, name: &str, finalizers: &serde_json::Value) {
        let patch = json!({"metadata": {"finalizers": finalizers}});
        self.world.api().merge(Resource::SECRET, &self.watched, name, &patch);
    }

    fn logged(&self, text: &str) {
        // Quotes are escaped in the log.
        let escaped = text.replace('"', "\\\"");
        eventually(&format!("the log says {text:?}"), || {
            let log = self.controller().stdout() + &self.controller().stderr();
            (log.contains(text) || log.contains(&escaped)).then_some(())
        });
    }

    fn serves(&self) {
        assert_eq!(self.controller().get("/healthz").status, 200);
        assert!(self.controller().is_running());
        self.controller().certificate();
    }

    /// No crash and no busy loop since the permission is missing.
    fn is_calm(&self) {
        let Some(controller) = &self.controller else { return };
        self.serves();
        let (began, looked_from) = (Instant::now(), self.world.calls().len());
        while began.elapsed() < WINDOW {
            assert!(controller.is_running());
            std::thread::sleep(Duration::from_millis(100));
        }
        let calls = self.world.calls().split_off(looked_from);
        let refused = calls.iter().filter(|call| call.code == 403).count();
        assert!(
            calls.len() < CALLS_IN_WINDOW && refused < REFUSALS_IN_WINDOW,
            "{} calls, {refused} refused",
            calls.len()
        );
        let since = self.world.calls().into_iter().filter(|call| call.received >= self.begin && call.code == 403);
        assert!(since.count() > 0, "the permission was never needed");
    }
}
