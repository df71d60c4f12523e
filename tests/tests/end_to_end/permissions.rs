//! The published roles are enough, and each permission in them is needed: taken away one at a time, each breaks what the
//! table says, with a line in the log that names it, without a crash and without a busy loop; given back, all is well.

mod case;
mod rows;

use jiff::Timestamp;
use sealed_secrets_tests::{Fault, KeyPair, Permission, Proxy, Rule, end_to_end, published_permissions};

use self::case::Case;
use self::rows::Missing::{FromStart, NoStart, WhileRunning};
use self::rows::{KEY_ROWS, ROWS, Row};

/// Tests of the table that run at the same time.
const AT_ONCE: usize = 4;

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
