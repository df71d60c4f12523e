//! Where templates are rendered: on blocking threads, few at a time, and none of those that private keys are used on. A
//! template may take as long and as much as its limits allow without keeping the other objects waiting.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sealed_secrets_crypto::SystemRandom;
use sealed_secrets_resource::template::{Limits, RenderEnvironment};
use sealed_secrets_resource::{Opened, SealedSecret, UnsealError, Unsealed};
use tokio::sync::Semaphore;

use crate::clock;
use crate::private_work::Interrupted;
use crate::workers::Place;

/// Objects rendered at once, on any machine: each may take as much memory as the limits allow.
const AT_ONCE: usize = 2;
/// Objects that wait for that, opened, without a worker's place.
const WAITING: usize = 32;
/// How long the templates of one object may take. Several keys on a slow processor fit into it.
const PATIENCE: Duration = Duration::from_secs(10);

/// A limit on rendering. Waiting is fair: first come, first served.
#[derive(Clone)]
pub struct Rendering {
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    patience: Duration,
}

impl Rendering {
    /// The usual limit.
    pub fn new() -> Rendering {
        Rendering {
            running: Arc::new(Semaphore::new(AT_ONCE)),
            waiting: Arc::new(Semaphore::new(WAITING)),
            patience: PATIENCE,
        }
    }

    /// Renders the templates of an opened object and makes its Secret. Meanwhile others may have the worker's place.
    pub async fn run(
        &self,
        sealed: SealedSecret,
        opened: Opened,
        place: &mut Place,
    ) -> Result<Result<Unsealed, UnsealError>, Interrupted> {
        if !opened.has_templates(&sealed) {
            return Ok(render(&sealed, opened, Duration::MAX));
        }
        // The semaphores are never closed.
        let waiting = self.waiting.acquire().await.map_err(|_| Interrupted)?;
        let result = place.lend(self.on_blocking_thread(sealed, opened)).await;
        drop(waiting);
        result
    }

    async fn on_blocking_thread(
        &self,
        sealed: SealedSecret,
        opened: Opened,
    ) -> Result<Result<Unsealed, UnsealError>, Interrupted> {
        let permit = Arc::clone(&self.running).acquire_owned().await.map_err(|_| Interrupted)?;
        let patience = self.patience;
        let done = tokio::task::spawn_blocking(move || {
            let result = render(&sealed, opened, patience);
            // Held until the work has ended, also when nobody waits for it any more.
            drop(permit);
            result
        });
        done.await.map_err(|_| Interrupted)
    }
}

fn render(sealed: &SealedSecret, opened: Opened, patience: Duration) -> Result<Unsealed, UnsealError> {
    let began = Instant::now();
    let environment = RenderEnvironment {
        now: clock::now(),
        random: &mut SystemRandom,
        limits: Limits::default(),
        stop: &|| began.elapsed() >= patience,
    };
    opened.render(sealed, environment)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use sealed_secrets_crypto::KeyRing;
    use sealed_secrets_resource::{UnsealOptions, open};
    use serde_json::json;

    use super::*;

    fn object(template: &str) -> (SealedSecret, Opened) {
        let sealed = SealedSecret::from_json(&json!({
            "metadata": {"namespace": "NS", "name": "db"},
            "spec": {"encryptedData": {}, "template": {"data": {"e": template}}},
        }))
        .unwrap();
        let options = UnsealOptions { accept_deprecated_data: true, last: None };
        let opened = open(&sealed, &KeyRing::default(), &options).unwrap();
        (sealed, opened)
    }

    #[tokio::test]
    async fn a_template_is_cut_off_when_its_time_is_up() {
        let rendering = Rendering { patience: Duration::ZERO, ..Rendering::new() };
        let places = Arc::new(Semaphore::new(1));
        let mut place = Place::take(&places).await;
        let (sealed, opened) = object("{{ range 100000 }}{{ end }}");
        let error = rendering.run(sealed, opened, &mut place).await.unwrap().unwrap_err();
        assert!(error.to_string().ends_with("the template takes too long (e)"), "{error}");
        let (sealed, opened) = object("{{ add 1 2 }}");
        let unsealed = rendering.run(sealed, opened, &mut place).await.unwrap().unwrap();
        assert_eq!(unsealed.secret.data["e"].as_slice(), b"3");
    }

    #[tokio::test]
    async fn who_waits_to_be_rendered_keeps_no_worker_s_place() {
        let rendering = Rendering::new();
        let busy = rendering.running.clone().acquire_many_owned(2).await.unwrap();
        let places = Arc::new(Semaphore::new(1));
        let mut place = Place::take(&places).await;
        let (sealed, opened) = object("x");
        let mut waiting = Box::pin(rendering.run(sealed, opened, &mut place));
        assert!(futures::poll!(&mut waiting).is_pending());
        let other = places.clone().try_acquire_owned().unwrap();
        drop(busy);
        // Rendered by now or soon, but without a place there is no going on.
        tokio::task::yield_now().await;
        assert!(futures::poll!(&mut waiting).is_pending());
        drop(other);
        assert!(waiting.await.unwrap().is_ok());
        assert_eq!(places.available_permits(), 0);
    }
}
