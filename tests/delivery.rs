//! The transport against a real mail server: encrypted, with a login, refused and taken. The scripted peer's faults stand in
//! `smtp_transport.rs`.

mod support;

use std::path::PathBuf;
use std::time::Duration;

use fristd::domain::Mailbox;
use fristd::domain::delivery::Reply;
use fristd::mail::{OutgoingMail, Relay, SmtpTransport, Tls, Transport};
use support::mail_server::{DEFERRED, MailServer, REFUSED};

fn relay(port: u16, tls: Tls) -> Relay {
    Relay {
        host: "localhost".to_owned(),
        port,
        tls,
        credentials: None,
        ca_file: None,
        hello_name: None,
        timeout: Duration::from_secs(20),
        message_timeout: Duration::from_secs(20),
    }
}

fn with_login(relay: Relay, ca_file: Option<PathBuf>, user: &str, password: &str) -> Relay {
    Relay { credentials: Some((user.to_owned(), password.to_owned())), ca_file, ..relay }
}

fn mail(local_part: &str) -> OutgoingMail {
    OutgoingMail {
        mailbox: Mailbox::parse(&format!("{local_part}@essen.example")).expect("an address"),
        envelope_from: Mailbox::parse("fristen@zrk.example").expect("an address"),
        message_id: format!("<{local_part}@zrk.example>"),
        file_stem: local_part.to_owned(),
        bytes: format!("Message-ID: <{local_part}@zrk.example>\r\nSubject: Frist\r\n\r\n.Ein Punkt am Anfang\r\n")
            .into_bytes(),
    }
}

async fn send(transport: &mut SmtpTransport, mail: &OutgoingMail) -> Reply {
    match transport.prepare(mail).await {
        Ok(()) => transport.complete(mail).await,
        Err(reply) => reply,
    }
}

#[tokio::test]
async fn several_mails_go_over_one_connection_and_arrive_as_they_were() {
    let server = MailServer::start();
    let mut transport = SmtpTransport::new(relay(server.port(), Tls::None)).expect("a transport");
    for name in ["eins", "zwei", "drei"] {
        let reply = send(&mut transport, &mail(name)).await;
        assert!(matches!(reply, Reply::Accepted { .. }), "{name}: {reply:?}");
    }
    transport.close().await;
    let received = tokio::task::spawn_blocking(move || {
        server.wait_for(3);
        server.received()
    });
    let received = received.await.expect("the server is asked");
    assert_eq!(received.len(), 3);
    assert!(
        received.iter().all(|mail| String::from_utf8_lossy(&mail.raw).contains("\n.Ein Punkt")),
        "the dot is not doubled"
    );
}

#[tokio::test]
async fn a_recipient_refused_by_a_real_server_does_not_spoil_the_next() {
    let server = MailServer::start();
    let mut transport = SmtpTransport::new(relay(server.port(), Tls::None)).expect("a transport");
    let refused = send(&mut transport, &mail(REFUSED)).await;
    assert!(matches!(&refused, Reply::RefusedForGood { text } if text.contains("550")), "{refused:?}");
    let deferred = send(&mut transport, &mail(DEFERRED)).await;
    assert!(matches!(&deferred, Reply::RefusedForNow { text } if text.contains("451")), "{deferred:?}");
    let next = send(&mut transport, &mail("naechster")).await;
    assert!(matches!(next, Reply::Accepted { .. }), "{next:?}");
    transport.close().await;
}

#[tokio::test]
async fn starttls_with_a_login_hands_over() {
    let (server, access) = MailServer::start_tls();
    let relay = with_login(relay(server.port(), Tls::StartTls), Some(access.ca_file), access.user, access.password);
    let mut transport = SmtpTransport::new(relay).expect("a transport");
    let reply = send(&mut transport, &mail("sicher")).await;
    assert!(matches!(reply, Reply::Accepted { .. }), "{reply:?}");
    transport.close().await;
}

#[tokio::test]
async fn tls_from_the_first_byte_hands_over() {
    let (server, access) = MailServer::start_implicit_tls();
    let relay = with_login(relay(server.port(), Tls::Implicit), Some(access.ca_file), access.user, access.password);
    let mut transport = SmtpTransport::new(relay).expect("a transport");
    let reply = send(&mut transport, &mail("sicher")).await;
    assert!(matches!(reply, Reply::Accepted { .. }), "{reply:?}");
    transport.close().await;
}

#[tokio::test]
async fn what_is_wrong_with_the_relay_is_never_blamed_on_the_mailbox() {
    let (server, access) = MailServer::start_tls();
    let rows = [
        (
            "its certificate is not trusted",
            with_login(relay(server.port(), Tls::StartTls), None, access.user, access.password),
        ),
        (
            "the password is wrong",
            with_login(relay(server.port(), Tls::StartTls), Some(access.ca_file.clone()), access.user, "falsch"),
        ),
    ];
    for (label, relay) in rows {
        let mut transport = SmtpTransport::new(relay).expect("a transport");
        let reply = send(&mut transport, &mail("sicher")).await;
        assert!(matches!(&reply, Reply::NoRelay { text } if !text.contains("falsch")), "{label}: {reply:?}");
    }
}

#[tokio::test]
async fn a_relay_without_starttls_gets_nothing_in_the_clear() {
    let server = MailServer::start();
    let mut transport = SmtpTransport::new(relay(server.port(), Tls::StartTls)).expect("a transport");
    let reply = send(&mut transport, &mail("offen")).await;
    assert!(matches!(reply, Reply::NoRelay { .. }), "{reply:?}");
    assert_eq!(server.received().len(), 0);
}
