#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealed_secrets_fuzz::rendering::render(bytes));
