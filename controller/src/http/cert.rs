//! `/v1/cert.pem`: the certificate that values are sealed for.

use http::StatusCode;

use super::{Reply, refusal, reply};
use crate::keys::Keys;

/// The current certificate as one PEM block.
pub fn answer(keys: &Keys) -> Reply {
    match keys.snapshot().certificate_pem() {
        Some(pem) => reply(StatusCode::OK, "application/x-pem-file", pem),
        None => refusal(StatusCode::INTERNAL_SERVER_ERROR, "cannot get certificate\n"),
    }
}
