//! The smallest program that follows SealedSecrets with kube: what the controller's memory is compared with.

#![allow(clippy::print_stdout, reason = "a line on standard output says that the list is complete")]

use futures::StreamExt;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind};
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client};
use sealed_secrets_bench::Failure;

fn main() -> Result<(), Failure> {
    // As many threads as the controller has.
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(follow())
}

async fn follow() -> Result<(), Failure> {
    let kind = GroupVersionKind::gvk("bitnami.com", "v1alpha1", "SealedSecret");
    let resource = ApiResource::from_gvk(&kind);
    let objects: Api<DynamicObject> = Api::all_with(Client::try_default().await?, &resource);
    let mut events = Box::pin(watcher(objects, watcher::Config::default()));
    while let Some(event) = events.next().await {
        if matches!(event?, Event::InitDone) {
            println!("complete");
        }
    }
    Ok(())
}
