//! SMTP's lines over a connection: says a command, reads a reply up to its end, within bounds. Never knows what a reply means for a
//! mail.

use std::fmt;
use std::io;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use thiserror::Error;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio_rustls::TlsConnector;

const REPLY_BYTES_MAX: usize = 16 * 1024; // thirty lines as long as RFC 5321, 4.5.3.1.5, lets them be
const WORDS_SHOWN_MAX: usize = 100; // of what is no reply

/// A connection to a relay, in step: each reply is read before the next command is said.
pub(super) struct Conversation {
    wire: BufReader<Box<dyn Wire>>,
}

/// What bytes go through, plain or encrypted.
trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// A relay's reply (RFC 5321, 4.2), of one or several lines.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct SmtpReply {
    /// 200 to 599.
    pub(super) code: u16,
    /// What is said on each line; may be nothing.
    pub(super) lines: Vec<String>,
}

/// Why there is no reply.
#[derive(Error, Debug)]
pub(super) enum Interruption {
    /// The connection failed.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The connection ended before the reply did.
    #[error("the connection ended without a reply")]
    Ended,
    /// What came is no reply.
    #[error("no reply of a mail system: {0:?}")]
    Unclear(String),
    /// A reply that does not end.
    #[error("a reply longer than {REPLY_BYTES_MAX} bytes")]
    Endless,
    /// Something was said in plain text that would be taken for the words of the relay behind the encryption.
    #[error("something was said between the reply to STARTTLS and the encryption; somebody may sit in between")]
    Injected,
}

impl Conversation {
    /// A conversation that begins.
    pub(super) fn over(wire: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Self {
        Self { wire: BufReader::new(Box::new(wire)) }
    }

    /// The same conversation, encrypted; the certificate must be one for this name.
    pub(super) async fn encrypted(
        self,
        tls: Arc<ClientConfig>,
        name: ServerName<'static>,
    ) -> Result<Self, Interruption> {
        if !self.wire.buffer().is_empty() {
            return Err(Interruption::Injected);
        }
        Ok(Self::over(TlsConnector::from(tls).connect(name, self.wire.into_inner()).await?))
    }

    /// Says something whole, and reads the reply to it, or to its first command.
    pub(super) async fn say(&mut self, words: &str) -> Result<SmtpReply, Interruption> {
        let wire = self.wire.get_mut();
        wire.write_all(words.as_bytes()).await?;
        wire.flush().await?;
        self.listen().await
    }

    /// Reads a reply.
    pub(super) async fn listen(&mut self) -> Result<SmtpReply, Interruption> {
        let (mut room, mut line, mut lines) = (REPLY_BYTES_MAX, Vec::new(), Vec::new());
        loop {
            line.clear();
            let count = (&mut self.wire).take(room as u64).read_until(b'\n', &mut line).await?;
            room -= count;
            if !line.ends_with(b"\n") {
                return Err(if room == 0 { Interruption::Endless } else { Interruption::Ended });
            }
            let (code, is_last, words) = parse(&line).ok_or_else(|| unclear(&line))?;
            lines.push((code, words));
            if is_last {
                return match lines.iter().all(|(other, _)| *other == code) {
                    true => Ok(SmtpReply { code, lines: lines.into_iter().map(|(_, words)| words).collect() }),
                    false => Err(unclear(&line)),
                };
            }
        }
    }
}

impl SmtpReply {
    /// Whether what was asked for was done, or goes on: 2yz and 3yz.
    pub(super) fn is_positive(&self) -> bool {
        self.code < 400
    }

    /// The enhanced status code (RFC 2034), `5.1.1`.
    pub(super) fn enhanced(&self) -> Option<&str> {
        let word = self.lines.first()?.split(' ').next()?;
        let is_number = |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        let mut parts = word.split('.');
        let has_class = parts.next().is_some_and(|class| class.parse() == Ok(self.code / 100));
        (has_class && parts.clone().count() == 2 && parts.all(is_number)).then_some(word)
    }
}

impl fmt::Display for SmtpReply {
    /// On one line; an enhanced status code that each line repeats only once.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        let repeated = self.enhanced().map(|code| format!("{code} "));
        for (number, line) in self.lines.iter().enumerate().filter(|(_, line)| !line.is_empty()) {
            let again = repeated.as_deref().filter(|_| number > 0);
            write!(f, " {}", again.and_then(|again| line.strip_prefix(again)).unwrap_or(line))?;
        }
        Ok(())
    }
}

/// Code, whether it is the last line, and the words, in whatever encoding. The words may be missing altogether.
fn parse(line: &[u8]) -> Option<(u16, bool, String)> {
    let line = line.strip_suffix(b"\n")?;
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let (code, rest) = line.split_at_checked(3)?;
    if !(b'2'..=b'5').contains(&code[0]) || !code.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let code = code.iter().fold(0, |number, digit| number * 10 + u16::from(digit - b'0'));
    let (is_last, words) = match rest {
        [] => (true, rest),
        [b' ', words @ ..] => (true, words),
        [b'-', words @ ..] => (false, words),
        _ => return None,
    };
    Some((code, is_last, String::from_utf8_lossy(words).into_owned()))
}

fn unclear(line: &[u8]) -> Interruption {
    Interruption::Unclear(String::from_utf8_lossy(line).trim_end().chars().take(WORDS_SHOWN_MAX).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn heard(bytes: &[u8]) -> Result<SmtpReply, Interruption> {
        let (mut peer, own) = tokio::io::duplex(64);
        let bytes = bytes.to_vec();
        tokio::spawn(async move { peer.write_all(&bytes).await });
        Conversation::over(own).listen().await
    }

    #[tokio::test]
    async fn a_reply_is_read_up_to_its_end_in_whatever_shape() {
        let check = async |bytes: &[u8], want: &str| {
            assert_eq!(heard(bytes).await.unwrap().to_string(), want, "{bytes:?}");
        };
        check(b"250 ok\r\n", "250 ok").await;
        check(b"250\r\n", "250").await;
        check(b"354 \r\n", "354").await;
        check(b"250 ok\n", "250 ok").await;
        check(b"571 5.7.1 denied\r\n", "571 5.7.1 denied").await;
        check(b"550 5.1.1 unbekannter Empf\xe4nger\r\n", "550 5.1.1 unbekannter Empf\u{fffd}nger").await;
        check(b"250-relay.example\r\n250-\r\n250 PIPELINING\r\n", "250 relay.example PIPELINING").await;
        check(b"550-5.1.1 no such user\r\n550 5.1.1 here\r\n", "550 5.1.1 no such user here").await;
        check(b"450-4.2.0 busy\r\n450 5.1.1 here\r\n", "450 4.2.0 busy 5.1.1 here").await;
    }

    #[tokio::test]
    async fn what_is_no_reply_is_told_from_one() {
        let check = async |bytes: &[u8], want: &str| {
            let interruption = heard(bytes).await.unwrap_err().to_string();
            assert!(interruption.contains(want), "{bytes:?}: {interruption}");
        };
        check(b"", "ended without a reply").await;
        check(b"250 ok", "ended without a reply").await;
        check(b"250-one\r\n", "ended without a reply").await;
        check(b"hello?\r\n", "no reply of a mail system: \"hello?\"").await;
        check(b"\r\n", "no reply").await;
        check(b"25\r\n", "no reply").await;
        check(b"2x0 ok\r\n", "no reply").await;
        check(b"999 what\r\n", "no reply").await;
        check(b"250=ok\r\n", "no reply").await;
        check(b"250-one\r\n550 two\r\n", "no reply").await;
        check(&vec![b'2'; REPLY_BYTES_MAX + 1], "longer than").await;
        check("250-on and on\r\n".repeat(REPLY_BYTES_MAX).as_bytes(), "longer than").await;
    }

    #[test]
    fn an_enhanced_status_code_agrees_with_the_code() {
        let check = |code, line: &str, want| {
            assert_eq!(SmtpReply { code, lines: vec![line.to_owned()] }.enhanced(), want, "{code} {line}");
        };
        check(550, "5.1.1 no such user", Some("5.1.1"));
        check(550, "4.1.1 no such user", None);
        check(550, "5.1 no such user", None);
        check(550, "5.1.1.1 x", None);
        check(550, "no", None);
    }
}
