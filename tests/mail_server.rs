//! Checks the mail server that other tests rely on. Never sends with fristd's own code.

mod support;

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::TcpStream;
use std::path::Path;

use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{Message, SmtpTransport, Transport};
use support::mail_server::{DEFERRED, MailServer, REFUSED, TlsAccess};

#[test]
fn mail_arrives_at_every_recipient_byte_for_byte() {
    let server = MailServer::start();
    let message =
        "Subject: Frist\r\n läuft ab\r\nMessage-ID: <1@aps.example>\r\n\r\n.Punkt vorn\r\nFrom hier\r\nGrüße\r\n";
    let mut session = Session::open(server.port());
    session.say("MAIL FROM:<zrk@aps.example>", "250");
    session.say("RCPT TO:<Meldung@abh-essen.example>", "250");
    session.say("RCPT TO:<rrk@duesseldorf.example>", "250");
    session.say("DATA", "354");
    session.say(&format!("{}.", message.replace("\r\n.", "\r\n..")), "250");

    let mut mails = server.wait_for(2);
    mails.sort_by(|one, other| one.envelope_to.cmp(&other.envelope_to));
    let recipients: Vec<&str> = mails.iter().map(|mail| mail.envelope_to.as_str()).collect();
    assert_eq!(recipients, ["Meldung@abh-essen.example", "rrk@duesseldorf.example"]);
    for mail in &mails {
        assert_eq!(String::from_utf8_lossy(&mail.raw), message);
        assert_eq!(mail.envelope_from, "zrk@aps.example");
        assert_eq!((mail.protocol.as_str(), mail.user.as_deref()), ("esmtp", None));
        assert_eq!(mail.header("subject").as_deref(), Some("Frist läuft ab"));
        assert_eq!(mail.body(), ".Punkt vorn\r\nFrom hier\r\nGrüße\r\n");
    }
}

#[test]
fn recipients_can_be_refused_for_good_and_for_now() {
    let server = MailServer::start();
    let mut session = Session::open(server.port());
    session.say("MAIL FROM:<>", "250");
    session.say(&format!("RCPT TO:<{REFUSED}@abh.example>"), "550 5.1.1");
    session.say(&format!("RCPT TO:<{DEFERRED}@abh.example>"), "451 4.3.0");
    session.say("RCPT TO:<taken@abh.example>", "250");
}

#[test]
fn stopped_server_refuses_connections_and_takes_mail_again_on_the_same_port() {
    let mut server = MailServer::start();
    let port = server.port();
    let mut session = Session::open(port);
    session.send_one("before@abh.example");
    server.wait_for(1);

    server.stop();
    assert_eq!(
        TcpStream::connect(("127.0.0.1", port)).map_err(|error| error.kind()).err(),
        Some(ErrorKind::ConnectionRefused)
    );
    session.expect_end();

    server.start_again();
    assert_eq!(server.port(), port);
    Session::open(port).send_one("after@abh.example");
    let recipients: Vec<String> = server.wait_for(2).into_iter().map(|mail| mail.envelope_to).collect();
    assert_eq!(recipients, ["before@abh.example", "after@abh.example"]);
}

#[test]
fn mail_is_taken_over_starttls_with_the_servers_own_authority_and_a_login() {
    let (server, access) = MailServer::start_tls();
    let relay = relay(server.port(), Tls::Required(trusting(Some(&access.ca_file))), &access);
    relay.send(&message()).unwrap();

    let mails = server.wait_for(1);
    assert_eq!((mails[0].protocol.as_str(), mails[0].user.as_deref()), ("esmtpsa", Some(access.user)));
    assert_eq!(mails[0].envelope_to, "meldung@abh.example");
}

#[test]
fn mail_is_taken_over_tls_from_the_first_byte() {
    let (server, access) = MailServer::start_implicit_tls();
    let relay = relay(server.port(), Tls::Wrapper(trusting(Some(&access.ca_file))), &access);
    relay.send(&message()).unwrap();

    assert_eq!(server.wait_for(1)[0].protocol, "esmtpsa");
}

#[test]
fn server_with_tls_turns_away_who_is_not_encrypted_not_known_or_does_not_trust_it() {
    let (server, access) = MailServer::start_tls();
    Session::open(server.port()).say("MAIL FROM:<zrk@aps.example>", "530 5.7.0");

    let unknown = TlsAccess { password: "wrong", ..access.clone() };
    let refused = relay(server.port(), Tls::Required(trusting(Some(&access.ca_file))), &unknown).send(&message());
    let code = refused.unwrap_err().status().map(|code| code.to_string());
    assert_eq!(code.as_deref(), Some("535"));

    let untrusted = relay(server.port(), Tls::Required(trusting(None)), &access).send(&message()).unwrap_err();
    assert!(format!("{untrusted:?}").contains("UnknownIssuer"), "{untrusted:?}");
    assert_eq!(server.received(), []);
}

/// SMTP by hand: says a line, expects a reply.
struct Session {
    replies: BufReader<TcpStream>,
}

impl Session {
    fn open(port: u16) -> Session {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let mut session = Session { replies: BufReader::new(stream) };
        session.expect("220");
        session.say("EHLO aps.example", "250");
        session
    }

    fn send_one(&mut self, recipient: &str) {
        self.say("MAIL FROM:<zrk@aps.example>", "250");
        self.say(&format!("RCPT TO:<{recipient}>"), "250");
        self.say("DATA", "354");
        self.say("Subject: Frist\r\n\r\nText\r\n.", "250");
    }

    fn say(&mut self, line: &str, expected: &str) {
        self.replies.get_mut().write_all(format!("{line}\r\n").as_bytes()).unwrap();
        self.expect(expected);
    }

    fn expect(&mut self, expected: &str) {
        let mut reply = String::new();
        while reply.lines().last().is_none_or(|line| line.as_bytes().get(3) == Some(&b'-')) {
            assert_ne!(self.replies.read_line(&mut reply).unwrap(), 0, "closed instead of {expected}: {reply}");
        }
        let last = reply.lines().last().unwrap();
        assert!(last.starts_with(expected), "{last} instead of {expected}");
    }

    /// The server says good-bye (421) or just hangs up.
    fn expect_end(&mut self) {
        let mut line = String::new();
        let read = self.replies.read_line(&mut line);
        assert!(read.is_err() || line.is_empty() || line.starts_with("421"), "{line}");
    }
}

fn relay(port: u16, tls: Tls, access: &TlsAccess) -> SmtpTransport {
    SmtpTransport::builder_dangerous("localhost")
        .port(port)
        .tls(tls)
        .credentials(Credentials::new(access.user.to_owned(), access.password.to_owned()))
        .build()
}

fn trusting(ca_file: Option<&Path>) -> TlsParameters {
    let mut parameters = TlsParameters::builder("localhost".to_owned());
    if let Some(file) = ca_file {
        parameters = parameters.add_root_certificate(Certificate::from_pem(&std::fs::read(file).unwrap()).unwrap());
    }
    parameters.build().unwrap()
}

fn message() -> Message {
    Message::builder()
        .from("zrk@aps.example".parse().unwrap())
        .to("meldung@abh.example".parse().unwrap())
        .subject("Frist")
        .body("Text".to_owned())
        .unwrap()
}
