//! Editing that is ended from outside: nothing is left of the values, and nobody goes on writing them.

use std::fs;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::server::Kubeseal;
use super::server::terminal::{CTRL_BACKSLASH, CTRL_C, Terminal};
use super::{edit, is_empty, key_file, place, values, with_editor, write_target};

const PAUSE: Duration = Duration::from_millis(5);

/// Starts `edit` in a process group of its own and waits until the editor has written the file `started`.
fn start(kubeseal: &Kubeseal) -> Child {
    let (key, certificate) = (key_file("a.key"), key_file("b.crt"));
    let mut command = kubeseal.command(&["edit", "--cert", &certificate, "--from-keys", &key, "db.yaml"]);
    let child = command.process_group(0).stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_until(|| fs::read_to_string(kubeseal.path().join("started")).is_ok_and(|text| text.ends_with('\n')));
    child
}

#[track_caller]
fn wait_until(is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < deadline);
        sleep(PAUSE);
    }
}

fn signal(name: &str, whom: &str) {
    assert!(Command::new("kill").args([&format!("-{name}"), "--", whom]).status().unwrap().success());
}

#[test]
fn signals_wipe_the_values() {
    // Ctrl-C and Ctrl-\ reach everybody in the foreground; the others come to kubeseal alone.
    for (name, number, whole_group) in [("INT", 2, true), ("TERM", 15, false), ("HUP", 1, false), ("QUIT", 3, true)] {
        let (kubeseal, memory) = place();
        let kubeseal = with_editor(kubeseal, "echo >started; exec sleep 60");
        let before = write_target(&kubeseal);
        let mut child = start(&kubeseal);
        assert!(!is_empty(memory.path()));
        signal(name, &if whole_group { format!("-{}", child.id()) } else { child.id().to_string() });
        let ended = child.wait().unwrap();
        // A core file would hold the values.
        let want = if name == "QUIT" { (Some(131), None) } else { (None, Some(number)) };
        assert_eq!((ended.code(), ended.signal()), want, "{name}: {ended:?}");
        assert!(is_empty(memory.path()), "{name}");
        assert_eq!(kubeseal.read("db.yaml"), before);
    }
}

#[test]
fn an_editor_behind_a_shell_ends_as_well_and_saves_nothing_any_more() {
    let (kubeseal, memory) = place();
    // The shell of $EDITOR waits for another one, which waits for what stands for an editor.
    let kubeseal = kubeseal.env("EDITOR", "true && (sh -c 'sleep 60; touch saved' & echo $! >started; wait); : ");
    write_target(&kubeseal);
    let mut child = start(&kubeseal);
    let editor = kubeseal.read("started").trim().to_owned();
    let children = format!("/proc/{editor}/task/{editor}/children");
    wait_until(|| fs::read_to_string(&children).is_ok_and(|text| !text.trim().is_empty()));
    let sleeper = fs::read_to_string(&children).unwrap().trim().to_owned();
    signal("TERM", &child.id().to_string());
    assert_eq!(child.wait().unwrap().signal(), Some(15));
    let is_gone = |number: &str| {
        let state = fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
        state.rsplit_once(')').is_none_or(|(_, rest)| rest.trim_start().starts_with('Z'))
    };
    wait_until(|| is_gone(&editor) && is_gone(&sleeper));
    assert!(is_empty(memory.path()) && !kubeseal.path().join("saved").exists());
}

#[test]
fn what_a_killed_run_left_is_named_by_the_next_one() {
    let (kubeseal, memory) = place();
    let kubeseal = with_editor(kubeseal, "echo >started; exec sleep 60");
    write_target(&kubeseal);
    let mut child = start(&kubeseal);
    let left = fs::read_dir(memory.path()).unwrap().next().unwrap().unwrap().path();
    let next = |script: &str| {
        let kubeseal = with_editor(Kubeseal::new().env("XDG_RUNTIME_DIR", memory.path().to_str().unwrap()), script);
        write_target(&kubeseal);
        let key = key_file("a.key");
        edit(&kubeseal, &["--from-keys", &key])
    };
    let nothing = "nothing was changed\n";
    assert_eq!(next(":").stderr, nothing, "it is still in use");
    signal("KILL", &format!("-{}", child.id()));
    child.wait().unwrap();
    let folder = fs::canonicalize(&left).unwrap();
    let warning = format!(
        "warning: {} was left behind by a run that was killed and may hold values; remove it\n",
        folder.display()
    );
    let run = next(":");
    assert_eq!((run.code, run.stderr), (Some(0), format!("{warning}{nothing}")));
    fs::remove_dir_all(left).unwrap();
    assert_eq!(next(":").stderr, nothing);
}

/// An editor that leaves a form that cannot be read, until the file `mend` is there.
const BREAKS: &str =
    "if test -e mend; then sed -i '/broken/d; s/s3cret/mended/' \"$1\"; else echo '  broken: [' >>\"$1\"; fi";

fn with_a_broken_form() -> (Kubeseal, tempfile::TempDir, String, Terminal) {
    let (kubeseal, memory) = place();
    let kubeseal = with_editor(kubeseal, BREAKS);
    let before = write_target(&kubeseal);
    let (key, certificate) = (key_file("a.key"), key_file("b.crt"));
    let mut terminal = Terminal::start(&kubeseal, &["edit", "--cert", &certificate, "--from-keys", &key, "db.yaml"]);
    terminal.wait_for("Press Enter to edit again; q and Enter gives up.");
    assert!(!is_empty(memory.path()));
    (kubeseal, memory, before, terminal)
}

#[test]
fn whoever_is_asked_whether_to_go_on_can_leave_by_every_key_for_it() {
    // Ctrl-D is the end of what can be typed.
    for (keys, status) in [(CTRL_C, 130), (CTRL_BACKSLASH, 131), ("q\n", 1), ("\x04", 1)] {
        let (kubeseal, memory, before, mut terminal) = with_a_broken_form();
        terminal.press(keys);
        let (ended, screen) = terminal.end();
        assert_eq!(ended, status, "{screen}");
        assert!(is_empty(memory.path()) && !screen.contains("s3cret"), "{screen}");
        assert_eq!(kubeseal.read("db.yaml"), before);
    }
}

#[test]
fn enter_opens_the_editor_again_on_what_was_typed() {
    let (kubeseal, memory, _, mut terminal) = with_a_broken_form();
    kubeseal.file("mend", "");
    terminal.press("\n");
    let (ended, screen) = terminal.end();
    assert_eq!(ended, 0, "{screen}");
    assert!(is_empty(memory.path()) && values(&kubeseal).contains(&super::base64("mended")), "{screen}");
}
