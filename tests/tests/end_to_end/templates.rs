//! `spec.template.data` on the cluster (spec/controller.md section 7, rows 78 to 84 and 140).

use std::time::Duration;

use jiff::Timestamp;
use sealed_secrets_tests::{
    Object, Resource, World, base64, condition, condition_status, end_to_end, eventually, message, never,
};
use serde_json::{Value, json};

/// Rows 78, 80 and 81, and that a changed value changes the files made from it.
#[test]
fn files_are_made_of_items_and_follow_their_values() {
    end_to_end(|world| {
        world.controller().start();
        let (password, user) = (world.plant(), world.plant());
        let templates = json!({
            "application.properties": "db.user={{ .user }}\ndb.password={{ .password }}\n{{- /* no end of line */ -}}",
            "config.json": "{\"password\": {{ toJson .password }}, \"none\": \"{{ .nosuch }}\"}",
            "index": "secret {{ index . \"user\" }} !",
            "user": "{{ .user | upper }}",
        });
        let mut sealed = templated(world, "db", &[("user", &user), ("password", &password)], templates.clone());
        sealed["spec"]["template"]["type"] = "example.com/config".into();
        sealed["spec"]["template"]["metadata"]["labels"] = json!({"app": "shop"});
        world.create(&sealed);
        let expect = |user: &str, password: &str| {
            let made = world.wait_for_items(
                "db",
                &[
                    ("application.properties", &format!("db.user={user}\ndb.password={password}")),
                    ("config.json", &format!("{{\"password\": \"{password}\", \"none\": \"<no value>\"}}")),
                    ("index", &format!("secret {user} !")),
                    ("password", password),
                    ("user", &user.to_uppercase()),
                ],
            );
            assert_eq!(made["type"], "example.com/config");
            assert_eq!(made["metadata"]["labels"], json!({"app": "shop"}));
            world.synced("db");
        };
        expect(&user, &password);

        let changed = world.plant();
        let mut spec = templated(world, "db", &[("user", &user), ("password", &changed)], templates)["spec"].take();
        spec["template"]["type"] = "example.com/config".into();
        spec["template"]["metadata"]["labels"] = json!({"app": "shop"});
        world.set_spec("db", &spec);
        expect(&user, &changed);
    });
}

/// Row 79, and `data: null`.
#[test]
fn templates_alone_make_a_secret() {
    end_to_end(|world| {
        world.controller().start();
        for (name, data, items) in [
            ("alone", json!({"foo": "bar", "sum": "{{ add 1 2 }}"}), vec![("foo", "bar"), ("sum", "3")]),
            ("null", Value::Null, vec![]),
        ] {
            world.create(&json!({
                "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "metadata": {"name": name},
                "spec": {"encryptedData": {}, "template": {"data": data}},
            }));
            world.synced(name);
            world.wait_for_items(name, &items);
        }
    });
}

/// Rows 82 and 83, W3: told by entry and place in status, event and log, never with a value; mended by a correction.
#[test]
fn a_template_that_fails_is_named_shows_no_value_and_recovers() {
    end_to_end(|world| {
        let controller = world.controller().start();
        let password = world.plant();
        world.create_synced("db", &[("password", &password)]);
        let before = world.wait_for_items("db", &[("password", &password)]);
        let cases = [
            ("{{ .password", "template: bad.key:1: unclosed action (bad.key)"),
            ("\n{{ env \"HOME\" }}", "template: bad.key:2: function \"env\" not defined (bad.key)"),
            ("{{ expandenv \"$HOME\" }}", "template: bad.key:1: function \"expandenv\" not defined (bad.key)"),
            ("{{ getHostByName \"x\" }}", "template: bad.key:1: function \"getHostByName\" not defined (bad.key)"),
            (
                "{{ fail .password }}",
                "template: bad.key:1:3: executing \"bad.key\" at <fail .password>: error calling fail (bad.key)",
            ),
            (
                "{{ mustToDate \"2006\" .password }}",
                "template: bad.key:1:3: executing \"bad.key\" at <mustToDate \"2006\" .password>: error calling mustToDate \
                 (bad.key)",
            ),
            (
                "{{ range .password }}{{ end }}",
                "template: bad.key:1:9: executing \"bad.key\" at <.password>: range can't iterate over (bad.key)",
            ),
        ];
        for (template, text) in cases {
            let templates = json!({"bad.key": template, "good": "{{ .password }}"});
            world.set_spec("db", &templated(world, "db", &[("password", &password)], templates)["spec"]);
            let failed = world.failed_with("db", text);
            world.event_saying("db", "ErrUnsealFailed", &format!("Failed to unseal: {text}"));
            assert_eq!(condition_status(&failed, "Stalled"), "True", "{template}");
            let ready = condition(&failed, "Ready").unwrap();
            assert_eq!((&ready["status"], &ready["reason"]), (&json!("False"), &json!("ErrUnsealFailed")));
            assert!(ready["message"].as_str().unwrap().contains("spec.template.data"), "{ready}");
            assert_eq!(world.secret("db").unwrap(), before, "what was made before stays as it was");
        }
        controller.wait_for_log("error calling fail (bad.key)");

        let templates = json!({"bad.key": "{{ .password | quote }}"});
        world.set_spec("db", &templated(world, "db", &[("password", &password)], templates)["spec"]);
        world.wait_for_items("db", &[("password", &password), ("bad.key", &format!("\"{password}\""))]);
        let mended = world.synced("db");
        assert!(condition(&mended, "Stalled").is_none());
    });
}

/// One message for both kinds of failures; nothing is half done.
#[test]
fn items_and_templates_that_fail_are_told_together() {
    end_to_end(|world| {
        world.controller().start();
        let mut sealed = templated(
            world,
            "db",
            &[("good", &world.plant())],
            json!({"t": "{{ .foo | repeat 2 }}", "u": "{{ fail .good }}", "v": "{{"}),
        );
        sealed["spec"]["encryptedData"]["foo"] = "AAAA".into();
        world.create(&sealed);
        world.failed_with(
            "db",
            "no key could decrypt secret (foo)\n\
             template: u:1:3: executing \"u\" at <fail .good>: error calling fail (u)\n\
             template: v:1: unclosed action (v)",
        );
        assert_eq!(world.secret("db"), None);
    });
}

/// design.md section 4: neither a restart nor a look at a foreign change rolls random values; another generation does.
#[test]
fn random_values_stay_until_the_object_changes() {
    end_to_end(|world| {
        let launch = || world.controller().arg("--heal-drift");
        let first = launch().start();
        let value = world.plant();
        let templates = || {
            json!({
                "token": "{{ randAlphaNum 40 }}", "id": "{{ uuidv4 }}", "made": "{{ now | unixEpoch }} {{ randInt 0 1000000000 }}",
                "cert": "{{ (genCA \"x\" 9).Cert }}", "plain": "value {{ .value }}",
            })
        };
        world.create(&templated(world, "db", &[("value", &value)], templates()));
        world.synced("db");
        world.event("db", "Unsealed");
        let rolled = world.items("db");
        assert_eq!(rolled["token"].len(), 40);

        // A restart that has nothing to do, and one that has to open and compare.
        first.kill();
        let started = Timestamp::now();
        let second = launch().start();
        never("it is looked at", Duration::from_secs(2), || second.attempts() > 0.0);
        assert_eq!(world.writes_since(started), []);
        second.kill();
        world.api().merge(Resource::SECRET, &world.namespace, "db", &json!({"metadata": {"labels": {"theirs": "x"}}}));
        let third = launch().start();
        let moved = world.secret("db").unwrap()["metadata"]["resourceVersion"].clone();
        eventually("the status knows the version of the Secret that somebody touched", || {
            (world.sealed_secret("db")?["status"]["secret"]["resourceVersion"] == moved).then_some(())
        });
        assert_eq!((third.attempts(), world.items("db")), (1.0, rolled.clone()));

        // A foreign change is healed, and the random values are not what is different.
        let theirs = json!({"data": {"plain": base64("theirs")}});
        world.api().merge(Resource::SECRET, &world.namespace, "db", &theirs);
        let event = world.event("db", "SecretDrifted");
        assert_eq!(event["message"], "Secret was changed by somebody else: data (plain)");
        eventually("it is healed", || (world.items("db") == rolled).then_some(()));

        // An entry that somebody took away is made anew, the others stay.
        world.api().merge(Resource::SECRET, &world.namespace, "db", &json!({"data": {"token": null}}));
        let healed =
            eventually("it is there again", || Some(world.items("db")).filter(|now| now.contains_key("token")));
        assert_ne!(healed["token"], rolled["token"]);
        assert_eq!((&healed["id"], &healed["cert"]), (&rolled["id"], &rolled["cert"]));

        let mut other = templates();
        other["more"] = "x".into();
        world.set_spec("db", &templated(world, "db", &[("value", &value)], other)["spec"]);
        world.synced("db");
        let again = world.items("db");
        for entry in ["token", "id", "made", "cert"] {
            assert_ne!(again[entry], healed[entry], "{entry} is of the new generation");
        }
    });
}

/// The same where no status tells: the memory of the process has to do.
#[test]
fn without_statuses_a_foreign_change_rolls_no_random_values() {
    end_to_end(|world| {
        world.controller().arg("--update-status=false").arg("--heal-drift").start();
        let templates = json!({"token": "{{ randAlphaNum 40 }}", "plain": "x"});
        world.create(&templated(world, "db", &[], templates));
        let rolled = eventually("the Secret", || Some(world.items("db")).filter(|items| !items.is_empty()));
        world.event("db", "Unsealed");
        world.api().merge(Resource::SECRET, &world.namespace, "db", &json!({"data": {"plain": base64("theirs")}}));
        world.event_saying("db", "SecretDrifted", "data (plain)");
        eventually("it is healed", || (world.items("db") == rolled).then_some(()));
    });
}

/// Rows 84 and 140, W5: whatever a template does, it ends with an error of its own entry.
#[test]
fn runaway_templates_fail_and_the_controller_goes_on() {
    end_to_end(|world| {
        let controller = world.controller().start();
        let cases = [
            ("loop", "{{ range 1000000000 }}{{ end }}", "the template takes too many steps"),
            ("output", "{{ range 1000000 }}0123456789{{ end }}", "the output is too large"),
            ("repeat", "{{ repeat 1000000000 \"x\" }}", "the values are too large"),
            ("list", "{{ until 1000000000 }}", "the values are too large"),
            (
                "width",
                "{{ printf \"%999999d\" 1 | len }}{{ range 99 }}{{ printf \"%999999d\" 1 | len }}{{ end }}",
                "the values are too large",
            ),
            (
                "slow",
                "{{ range 100 }}{{ $x := genPrivateKey \"ecdsa\" }}{{ end }}",
                "too many keys, certificates or password hashes",
            ),
            (
                "recursive",
                "{{ define \"r\" }}{{ template \"r\" }}{{ end }}{{ template \"r\" }}",
                "the nesting is too deep",
            ),
        ];
        for (name, template, _) in cases {
            world.create(&templated(world, name, &[], json!({"e": template, "good": "x"})));
        }
        for (name, _, bound) in cases {
            let failed = world.failed(name);
            assert!(message(&failed).starts_with("template: e:1:"), "{name}: {}", message(&failed));
            assert!(message(&failed).ends_with(&format!("{bound} (e)")), "{name}: {}", message(&failed));
            assert_eq!(condition_status(&failed, "Stalled"), "True");
            assert_eq!(world.secret(name), None);
        }
        assert_eq!(controller.attempts(), cases.len() as f64, "each costs too much to be tried fast");
        world.create_synced("after", &[("foo", &world.plant())]);
    });
}

/// Row 84: others are served while more templates run away than there are workers.
#[test]
fn good_objects_are_served_while_many_templates_run_away() {
    end_to_end(|world| {
        world.controller().start();
        let hostile: Vec<String> = (0..12).map(|number| format!("hostile-{number}")).collect();
        let good = world.sealed("good", &[("foo", &world.plant())]);
        let value = world.plant();
        let changed = world.sealed("changed", &[("foo", &value)]);
        world.create_synced("changed", &[("foo", &world.plant())]);
        for name in &hostile {
            world.create(&templated(
                world,
                name,
                &[],
                json!({"e": "{{ range 100 }}{{ $x := bcrypt \"x\" }}{{ end }}"}),
            ));
        }
        world.create(&good);
        world.set_spec("changed", &changed["spec"]);
        world.synced("good");
        world.wait_for_items("changed", &[("foo", &value)]);
        let settled = |name: &&String| world.sealed_secret(name).is_some_and(|found| !found["status"].is_null());
        let already = hostile.iter().filter(settled).count();
        assert!(already < hostile.len(), "the good objects had to wait for the end of all the others");
        for name in &hostile {
            world.failed(name);
        }
    });
}

/// W1 and W2: what nobody authenticated is never rendered for a caller, however it would end.
#[test]
fn verify_and_rotate_answer_without_rendering() {
    end_to_end(|world| {
        // More questions than the usual limit lets through at once.
        let controller = world.controller().arg("--rate-limit=1000").arg("--rate-limit-burst=1000").start();
        let attempts = controller.attempts();
        for template in ["{{", "{{ fail .foo }}", "{{ range 1000000000 }}{{ end }}", "{{ randAlphaNum 9 }}"] {
            let sealed = templated(world, "db", &[("foo", &world.plant())], json!({"foo": template}));
            let verdict = controller.post("/v1/verify", &sealed.to_string());
            assert_eq!((verdict.status, verdict.body.as_str()), (200, ""), "{template}");
            let rotated = controller.post("/v1/rotate", &sealed.to_string());
            assert_eq!(rotated.status, 200, "{template}");
            let rotated: Value = serde_json::from_str(&rotated.body).unwrap();
            assert_eq!(rotated["spec"]["template"]["data"], json!({"foo": template}));
        }
        never("anything is reconciled", Duration::from_millis(500), || controller.attempts() != attempts);
    });
}

/// Sealed items, and these templates.
fn templated(world: &World, name: &str, items: &[(&str, &str)], templates: Value) -> Object {
    let mut sealed = match items {
        [] => json!({
            "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "metadata": {"name": name},
            "spec": {"encryptedData": {}, "template": {}},
        }),
        items => world.sealed(name, items),
    };
    sealed["spec"]["template"]["data"] = templates;
    sealed
}
