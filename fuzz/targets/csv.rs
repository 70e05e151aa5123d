//! Any bytes as a file of the drop folder: CSV above all, and whatever else its first bytes make of it.
#![no_main]

use fristd_fuzz::{desk, law};

libfuzzer_sys::fuzz_target!(init: desk::open(), |bytes: &[u8]| {
    law::check(bytes);
});
