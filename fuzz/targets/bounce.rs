//! Any bytes as a mail that comes back.
#![no_main]

use fristd::domain::Mailbox;
use fristd::domain::bounce::{Names, ReportKind, Verdict, judge};
use fristd::mail::{Unreadable, read_returned};
use libfuzzer_sys::fuzz_target;

const SUBJECT_CHARS_MAX: usize = 200;
const TEXT_CHARS_MAX: usize = 16 * 1024;
const WORDS_CHARS_MAX: usize = 500;
const RECIPIENTS_MAX: usize = 50;
const IDS_MAX: usize = 100; // fifty of each of two headers
const ID_BYTES_MAX: usize = 250;
const ADDRESSES_MAX: usize = 20;

fuzz_target!(|bytes: &[u8]| {
    let read = read_returned(bytes);
    assert_eq!(read, read_returned(bytes), "the same bytes are read in the same way");
    let returned = match read {
        Ok(returned) => returned,
        Err(Unreadable::NoMail) => return,
        Err(Unreadable::Broken) => panic!("the parser failed"),
    };
    let is_plain = |text: &str| !text.chars().any(|c| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}'));
    assert!(is_plain(&returned.subject) && returned.subject.chars().count() <= SUBJECT_CHARS_MAX, "{returned:?}");
    assert!(returned.text.lines().all(is_plain) && returned.text.chars().count() <= TEXT_CHARS_MAX, "{returned:?}");
    for ids in [&returned.returned_ids, &returned.answered_ids] {
        assert!(ids.len() <= IDS_MAX && ids.iter().all(|id| id.contains('@') && id.len() <= ID_BYTES_MAX), "{ids:?}");
    }
    assert!(returned.came_to.len() <= ADDRESSES_MAX, "{:?}", returned.came_to);
    assert!(returned.came_to.iter().all(|address| address.is_ascii() && is_plain(address)), "{:?}", returned.came_to);
    assert!(returned.recipients.len() <= RECIPIENTS_MAX, "{returned:?}");
    assert!(returned.recipients.is_empty() || returned.report == ReportKind::Delivery, "{returned:?}");

    let mailbox = Mailbox::parse("rueckkehr@essen.example").expect("an address");
    for mailbox in [None, Some(&mailbox)] {
        let judged = judge(&returned, mailbox);
        assert_eq!(judged, judge(&returned, mailbox), "the same mail is judged in the same way");
        assert!(is_plain(&judged.diagnostic) && judged.diagnostic.chars().count() <= WORDS_CHARS_MAX, "{judged:?}");
        assert!(mailbox.is_some() || judged.names != Names::Mailbox, "nobody was asked about: {judged:?}");
        if judged.verdict == Verdict::Hard && returned.report == ReportKind::None {
            assert!(returned.is_from_mail_system && !returned.is_automatic_answer, "{returned:?}");
        }
    }
});
