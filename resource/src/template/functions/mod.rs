//! Sprig's functions, one table per family.

mod crypto;
mod dates;
mod dicts;
mod encodings;
mod joined;
mod json;
mod lines;
mod lists;
mod logic;
mod numbers;
mod paths;
mod random_texts;
mod re2;
mod regexes;
mod runes;
mod semver;
mod strings;
mod types;
mod urls;
mod words;

use super::function::Function;
use super::named::Named;

/// Every table that templates can call from, beside the language's own functions.
pub(super) const TABLES: &[&[Function]] = &[
    strings::TABLE,
    lines::TABLE,
    joined::TABLE,
    random_texts::TABLE,
    regexes::TABLE,
    encodings::TABLE,
    paths::TABLE,
    urls::TABLE,
    semver::TABLE,
    dates::TABLE,
    crypto::IDENTIFIERS_TABLE,
    crypto::PASSWORD_HASHES_TABLE,
    crypto::MASTER_PASSWORD_TABLE,
    crypto::ENCRYPTION_TABLE,
    crypto::KEYS_TABLE,
    crypto::CERTIFICATES_TABLE,
    logic::TABLE,
    types::TABLE,
    json::TABLE,
    lists::TABLE,
    lists::PARTS_TABLE,
    lists::MEMBERS_TABLE,
    dicts::TABLE,
    dicts::COPY_TABLE,
    dicts::MERGE_TABLE,
    numbers::TABLE,
    numbers::DECIMAL_TABLE,
    numbers::ROUNDING_TABLE,
    numbers::SEQUENCE_TABLE,
];

/// The methods of named integers, such as `Hours` of a duration; the first argument of a call is the number.
pub(super) fn methods_of_named(named: Named) -> &'static [Function] {
    dates::methods_of_named(named)
}
