//! The face of everything that can take a mail. Never retries: what becomes of a mail is decided in `domain::delivery`.

use std::future::Future;

use crate::domain::Mailbox;
use crate::domain::delivery::Reply;

/// A built mail with its envelope. One recipient a mail (M2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OutgoingMail {
    /// The recipient.
    pub mailbox: Mailbox,
    /// The envelope sender, a real mailbox (M3).
    pub envelope_from: Mailbox,
    /// `<hash@domain>`, as in the bytes.
    pub message_id: String,
    /// How a file of this mail is called, without `.eml`.
    pub file_stem: String,
    /// The mail as `message::build` made it.
    pub bytes: Vec<u8>,
}

/// Takes mails one after the other. The two halves let the caller record between them that the hand-over begins, so that
/// a crash is `uncertain` only when it can have happened after that (M6).
pub trait Transport {
    /// Everything up to the point where the mail itself would be handed over; nothing has been until this returns.
    /// The error says what the mail system answered instead, and is final for this attempt.
    fn prepare(&mut self, mail: &OutgoingMail) -> impl Future<Output = Result<(), Reply>> + Send;

    /// Hands over the mail that was prepared last, and waits for the answer.
    fn complete(&mut self, mail: &OutgoingMail) -> impl Future<Output = Reply> + Send;

    /// Another one to the same mail system, that works beside this one.
    fn sibling(&self) -> Self
    where
        Self: Sized;

    /// Takes leave of the mail system; a later `prepare` starts anew.
    fn close(&mut self) -> impl Future<Output = ()> + Send;
}

const REPLY_CHARS_MAX: usize = 500; // a multi-line reply fits; a hostile one does not fill the store

/// A reply's words as they are kept: one line, no control characters, bounded.
pub(super) fn reply_text(words: &str) -> String {
    super::typography::one_line(words).chars().take(REPLY_CHARS_MAX).collect()
}
