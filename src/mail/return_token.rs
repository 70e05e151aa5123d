//! The return address that is made for one notice alone, so that a mail that comes back to it proves itself. Never keeps the key.

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::message::hex;
use crate::domain::Mailbox;
use crate::domain::bounce::TOKEN_CHARS;

const ID_DIGITS: usize = 32; // of a notice's id
const MAC_BYTES: usize = 8; // each guess costs a mail that the log shows; nobody can try one without sending it
const CONTEXT: &[u8] = b"fristd return address\n"; // so that the key says nothing about any other use of it

const _: () =
    assert!("+.".len() + ID_DIGITS + 2 * MAC_BYTES == TOKEN_CHARS, "settings leave as much room as a token takes");

/// `local+<notice id>.<mac>@domain`; none if the sender's local part is longer than fourteen characters.
pub fn return_address(sender: &Mailbox, notice: &str, key: &[u8]) -> Option<Mailbox> {
    let (local, domain) = sender.as_str().rsplit_once('@')?;
    let code = mac(notice, key)?.finalize().into_bytes();
    Mailbox::parse(&format!("{local}+{notice}.{}@{domain}", hex(&code[..MAC_BYTES]))).ok()
}

/// The notice for which an address was made under this key; compared in constant time.
///
/// ```
/// use fristd::domain::Mailbox;
/// use fristd::mail::return_token::{notice_of, return_address};
/// let (sender, id) = (Mailbox::parse("fristen@zrk.example").unwrap(), "0123456789abcdef0123456789abcdef");
/// let address = return_address(&sender, id, b"key").unwrap();
/// assert_eq!(notice_of(address.as_str(), b"key").as_deref(), Some(id));
/// assert_eq!(notice_of(address.as_str(), b"another key"), None);
/// ```
pub fn notice_of(address: &str, key: &[u8]) -> Option<String> {
    let (local, _) = address.rsplit_once('@')?;
    let (_, token) = local.rsplit_once('+')?;
    let (notice, digits) = token.split_once('.')?;
    let is_hex = |text: &str, length: usize| text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_hex(notice, ID_DIGITS) || !is_hex(digits, 2 * MAC_BYTES) {
        return None;
    }
    let notice = notice.to_ascii_lowercase(); // mail systems may change the case of what they return
    let pairs = digits.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
    let code: Vec<u8> = pairs.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect::<Option<_>>()?;
    mac(&notice, key)?.verify_truncated_left(&code).ok()?;
    Some(notice)
}

fn mac(notice: &str, key: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(key).ok()?; // any length will do
    mac.update(CONTEXT);
    mac.update(notice.as_bytes());
    Some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::bounce::TOKEN_SENDER_CHARS_MAX;

    const ID: &str = "00112233445566778899aabbccddeeff";

    #[test]
    fn only_an_address_that_was_made_under_the_key_names_a_notice() {
        let sender = Mailbox::parse("fristen@zrk.example").unwrap();
        let good = return_address(&sender, ID, b"key").unwrap().to_string();
        assert!(good.len() <= 254 && good.split('@').next().unwrap().len() <= 64, "{good}");
        let check = |label: &str, address: &str, is_good: bool| {
            assert_eq!(notice_of(address, b"key").is_some(), is_good, "{label}: {address}");
        };
        check("as made", &good, true);
        check("in capitals", &good.to_uppercase(), true);
        check("at another domain, as a relay may rewrite it", &good.replace("zrk", "mx.zrk"), true);
        check("the sender itself", sender.as_str(), false);
        check("another notice", &good.replace("0011", "0012"), false);
        check("a shorter id", &good.replacen("ff.", "f.", 1), false);
        let (token, _) = good.split_once('@').unwrap();
        check("cut", &format!("{}@zrk.example", &token[..token.len() - 2]), false);
        check("an empty mac", &format!("fristen+{ID}.@zrk.example"), false);
        check("a mac of zeros", &format!("fristen+{ID}.0000000000000000@zrk.example"), false);
        check("no hexadecimal digits", &format!("fristen+{ID}.+1+2+3+4+5+6+7+8@zrk.example"), false);
        check("umlauts", "fristen+ääääääääääääääää.öööööööö@zrk.example", false);
        check("nothing", "", false);
        assert_eq!(notice_of(&good, b"another"), None);
    }

    #[test]
    fn a_sender_that_leaves_no_room_for_the_token_gets_none() {
        let of_length = |length: usize| Mailbox::parse(&format!("{}@zrk.example", "a".repeat(length))).unwrap();
        assert!(return_address(&of_length(TOKEN_SENDER_CHARS_MAX), ID, b"key").is_some());
        assert!(return_address(&of_length(TOKEN_SENDER_CHARS_MAX + 1), ID, b"key").is_none());
    }
}
