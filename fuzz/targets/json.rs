//! Any bytes that begin as JSON does.
#![no_main]

use fristd_fuzz::{desk, law};
use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(init: desk::open(), |bytes: &[u8]| -> Corpus {
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Corpus::Reject; // the target csv has the others
    }
    law::check(bytes);
    Corpus::Keep
});
