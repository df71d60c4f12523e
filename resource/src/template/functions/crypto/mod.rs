//! Cryptography and ids: random ids, password hashes, derived passwords, AES, keys and certificates.

mod certificates;
mod encryption;
mod identifiers;
mod keys;
mod master_password;
mod password_hashes;

pub(super) use certificates::TABLE as CERTIFICATES_TABLE;
pub(super) use encryption::TABLE as ENCRYPTION_TABLE;
pub(super) use identifiers::TABLE as IDENTIFIERS_TABLE;
pub(super) use keys::TABLE as KEYS_TABLE;
pub(super) use master_password::TABLE as MASTER_PASSWORD_TABLE;
pub(super) use password_hashes::TABLE as PASSWORD_HASHES_TABLE;
