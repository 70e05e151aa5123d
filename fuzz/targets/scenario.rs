//! Any text as a scenario.
#![no_main]

use fristd::daemon::scenario::Scenario;
use libfuzzer_sys::fuzz_target;

const NAME: &str = "fuzz.txt";
const COMPLAINT_BYTES_MAX: usize = 24 * 1024; // a line of 2,000 bytes, escaped, and what is accepted

fuzz_target!(|text: &str| {
    let read = Scenario::parse(NAME, text);
    assert_eq!(read, Scenario::parse(NAME, text), "the same text is read in the same way");
    let with_comment = format!("{text}\n   # the end");
    assert_eq!(read, Scenario::parse(NAME, &with_comment), "a comment says nothing");
    match read {
        Ok(scenario) => {
            assert!(scenario.from < scenario.until);
            assert!(scenario.lines.is_sorted_by_key(|line| line.at), "in order of time: {scenario:?}");
            assert!(
                scenario.lines.iter().all(|line| (scenario.from..=scenario.until).contains(&line.at)),
                "{scenario:?}"
            );
            let count = text.lines().count();
            assert!(scenario.lines.iter().all(|line| (1..=count).contains(&line.number)), "{scenario:?}");
        }
        Err(errors) => {
            assert!(!errors.0.is_empty());
            for error in &errors.0 {
                assert!(error.starts_with("fuzz.txt:"), "{error:?}");
                assert!(!error.chars().any(char::is_control), "one line each: {error:?}");
                assert!(error.len() <= COMPLAINT_BYTES_MAX, "{} bytes", error.len());
            }
        }
    }
});
