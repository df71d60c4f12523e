//! The Sealed Secrets controller: turns SealedSecrets into Secrets, in the cluster that holds the keys.
//!
//! Top-down: [`run`] starts everything; [`watch`] fills the queue; [`workers`] take objects off it; [`reconcile`] makes
//! one attempt, which is gather, decide, apply. All rules are in [`decide`].

// The clock may be read here, but not in `decide`, which denies it again.
#![allow(clippy::disallowed_methods)]
// In a program nothing is reachable from outside; `pub` says "for other modules".
#![allow(unreachable_pub)]

mod api;
mod apply;
mod args;
mod client;
mod clock;
mod context;
mod decide;
mod drift;
mod election;
mod events;
mod feed;
mod gather;
mod http;
mod key_secrets;
mod keys;
mod leadership;
mod log;
mod memory;
mod metrics;
mod object;
mod observed;
mod pending;
mod private_work;
mod queue;
mod rate;
mod readiness;
mod reconcile;
mod rendering;
mod renew;
mod run;
mod store;
mod throttle;
mod watch;
mod workers;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use crate::args::Command;

/// Exit code of a failed start.
const FAILED: u8 = 2;

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|panic| {
        // Only the place: a message could quote a value.
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "internal error");
    }));
    let mut args = std::env::args_os().map(|arg| arg.to_string_lossy().into_owned());
    let program = args.next().unwrap_or_else(|| "controller".to_owned());
    let environment = |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
    match args::read(&program, args, &environment) {
        Ok(Command::Print { stdout, stderr }) => {
            say(&mut std::io::stderr(), &stderr);
            say(&mut std::io::stdout(), &stdout);
            ExitCode::SUCCESS
        }
        Ok(Command::Run { options, notices }) => {
            say(&mut std::io::stderr(), &notices);
            log::install(options.log);
            start(*options, &environment)
        }
        Err(refusal) => {
            say(&mut std::io::stderr(), &refusal.stderr);
            ExitCode::from(refusal.code)
        }
    }
}

fn start(options: args::Options, environment: &dyn Fn(&str) -> Option<String>) -> ExitCode {
    // The async threads only wait and dispatch; what computes runs on blocking threads.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_keep_alive(Duration::from_secs(30))
        .enable_all()
        .build();
    let outcome = match runtime {
        Ok(runtime) => {
            let outcome = runtime.block_on(run::run(options, environment)).map_err(|error| error.to_string());
            // What still computes on a blocking thread is not waited for.
            runtime.shutdown_background();
            outcome
        }
        Err(error) => Err(format!("cannot start threads: {error}")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            say(&mut std::io::stderr(), &format!("error: {problem}\n"));
            ExitCode::from(FAILED)
        }
    }
}

/// Writes to a standard stream. Nothing can be done if it is closed.
fn say(stream: &mut impl Write, text: &str) {
    let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
}
