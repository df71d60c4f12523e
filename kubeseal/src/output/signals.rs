//! Signals that would end the process while there is something to clean up.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use signal_hook::consts::signal::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

/// Holds Ctrl-C and its kin back while there is something to clean up, so that nothing is ever left behind.
///
/// From the first one on they are held back until the process ends or [`HeldBack::deliver`] is called.
pub(crate) struct HeldBack {
    arrived: Arc<AtomicUsize>,
}

impl HeldBack {
    /// Begins, once for the process.
    ///
    /// # Errors
    /// When the system takes no handler.
    pub(crate) fn start() -> io::Result<HeldBack> {
        static ARRIVED: Mutex<Option<Arc<AtomicUsize>>> = Mutex::new(None);
        let mut known = ARRIVED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(arrived) = &*known {
            return Ok(HeldBack { arrived: Arc::clone(arrived) });
        }
        let arrived = Arc::new(AtomicUsize::new(0));
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] {
            signal_hook::flag::register_usize(signal, Arc::clone(&arrived), usize::try_from(signal).unwrap_or(0))?;
        }
        *known = Some(Arc::clone(&arrived));
        Ok(HeldBack { arrived })
    }

    /// Whether a signal came.
    pub(crate) fn any_arrived(&self) -> bool {
        self.arrived.load(Ordering::SeqCst) != 0
    }

    /// Whether a signal other than Ctrl-C came, which a program in the foreground gets as well.
    pub(crate) fn must_end(&self) -> bool {
        !matches!(i32::try_from(self.arrived.load(Ordering::SeqCst)), Ok(0 | SIGINT))
    }

    /// Forgets a Ctrl-C that a program in the foreground has dealt with.
    pub(crate) fn forget_interrupt(&self) {
        let interrupt = usize::try_from(SIGINT).unwrap_or(0);
        let _ = self.arrived.compare_exchange(interrupt, 0, Ordering::SeqCst, Ordering::SeqCst);
    }

    /// Ends the process by the signal that came meanwhile, if one did; Ctrl-\ (SIGQUIT) with the status that a shell would
    /// show.
    pub(crate) fn deliver(&self) {
        match i32::try_from(self.arrived.load(Ordering::SeqCst)) {
            // Its default is to write the memory to a file, with whatever secrets are there.
            Ok(SIGQUIT) => std::process::exit(128 + SIGQUIT),
            Ok(signal @ 1..) => drop(signal_hook::low_level::emulate_default_handler(signal)),
            _ => {}
        }
    }
}
