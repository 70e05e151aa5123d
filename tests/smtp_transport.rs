//! What each failure of a relay, in each phase, means for the mail and its mailbox. Never waits for longer than needed.

#[path = "support/scripted_smtp.rs"]
mod scripted_smtp;

use std::net::SocketAddr;
use std::time::Duration;

use fristd::domain::Mailbox;
use fristd::domain::delivery::Reply;
use fristd::mail::{OutgoingMail, Relay, SmtpTransport, Tls, Transport};
use scripted_smtp::{Act, Phase, ScriptedSmtp};

const PATIENCE: Duration = Duration::from_secs(20); // only a failing test waits so long
const TIMEOUT_SHORT: Duration = Duration::from_millis(200); // for peers that hang: each such case takes it once

fn relay(address: SocketAddr, timeout: Duration) -> Relay {
    Relay {
        host: address.ip().to_string(),
        port: address.port(),
        tls: Tls::None,
        credentials: None,
        ca_file: None,
        hello_name: Some("frist.zrk.example".into()),
        timeout,
        message_timeout: timeout,
    }
}

fn mail(number: u32) -> OutgoingMail {
    OutgoingMail {
        mailbox: Mailbox::parse(&format!("abh-{number}@musterau.example")).unwrap(),
        envelope_from: Mailbox::parse("frist@zrk.example").unwrap(),
        message_id: format!("<{number}@zrk.example>"),
        file_stem: format!("mail-{number}"),
        bytes: format!("Message-ID: <{number}@zrk.example>\r\n\r\n.Punkt\r\n.\r\nEnde\r\n").into_bytes(),
    }
}

async fn send(transport: &mut SmtpTransport, mail: &OutgoingMail) -> (bool, Reply) {
    match transport.prepare(mail).await {
        Ok(()) => (true, transport.complete(mail).await),
        Err(reply) => (false, reply),
    }
}

fn name(reply: &Reply) -> (&'static str, &str) {
    match reply {
        Reply::Accepted { text } => ("accepted", text),
        Reply::RefusedForNow { text } => ("refused for now", text),
        Reply::RefusedForGood { text } => ("refused for good", text),
        Reply::NoRelay { text } => ("no relay", text),
        Reply::Broken { text } => ("broken", text),
    }
}

#[tokio::test]
async fn a_mail_is_handed_over_as_it_is_and_the_connection_is_kept() {
    let peer = ScriptedSmtp::start([]).await;
    let mut transport = SmtpTransport::new(relay(peer.address, PATIENCE)).unwrap();
    for number in 1..=3 {
        let (handed_over, reply) = send(&mut transport, &mail(number)).await;
        assert!(handed_over);
        assert_eq!(reply, Reply::Accepted { text: "250 2.0.0 queued as 1".into() });
    }
    transport.close().await;
    let received = peer.received();
    assert_eq!(received.len(), 3);
    assert_eq!(received[0].from, "frist@zrk.example");
    assert_eq!(received[0].to, "abh-1@musterau.example");
    assert_eq!(received[0].message.as_bytes(), mail(1).bytes);
    assert_eq!(peer.connections(), 1);
    assert_eq!(peer.commands().first().unwrap(), "EHLO frist.zrk.example");
    assert_eq!(peer.commands().last().unwrap(), "QUIT");
}

#[tokio::test]
async fn every_failure_in_every_phase_is_classified() {
    use Act::{Close, Hang, Say, SayAndClose};
    use Phase::{Auth, Connect, Data, Ehlo, InsideMessage, Mail, Message, Rcpt};
    let rows: &[(Phase, Act, bool, &str)] = &[
        // phase, what the peer does, whether the message was begun, what it means
        (Connect, Say("554 5.3.2 no service"), false, "no relay"),
        (Connect, Say("421 4.3.2 later"), false, "no relay"),
        (Connect, Say("hello?"), false, "no relay"),
        (Connect, Close, false, "no relay"),
        (Connect, Hang, false, "no relay"),
        (Ehlo, Say("550 5.7.1 go away"), false, "no relay"),
        (Ehlo, Close, false, "no relay"),
        (Ehlo, Hang, false, "no relay"),
        (Auth, Say("535 5.7.8 wrong"), false, "no relay"),
        (Auth, Say("454 4.7.0 try later"), false, "no relay"),
        (Auth, Close, false, "no relay"),
        (Auth, Hang, false, "no relay"),
        (Mail, Say("550 5.7.1 sender not allowed"), false, "no relay"),
        (Mail, Say("451 4.3.0 sorry"), false, "no relay"),
        (Mail, Say("354 go on"), false, "no relay"),
        (Mail, Close, false, "no relay"),
        (Mail, Hang, false, "no relay"),
        (Rcpt, Say("450 4.2.0 greylisted"), false, "refused for now"),
        (Rcpt, Say("550 5.1.1 no such user"), false, "refused for good"),
        (Rcpt, Say("550-5.1.1 no such user\r\n550 5.1.1 here"), false, "refused for good"),
        (Rcpt, Say("421 4.3.2 shutting down"), false, "no relay"),
        (Rcpt, SayAndClose("450 4.2.0 greylisted"), false, "refused for now"),
        (Rcpt, Say("571 5.7.1 not authorized"), false, "refused for good"),
        (Rcpt, Say("354 go on"), false, "no relay"),
        (Rcpt, Say("999 what"), false, "no relay"),
        (Rcpt, Close, false, "no relay"),
        (Rcpt, Hang, false, "no relay"),
        (Data, Say("452 4.3.1 no room"), false, "refused for now"),
        (Data, Say("554 5.6.0 no valid recipients"), false, "refused for good"),
        (Data, Say("421 4.3.2 shutting down"), false, "no relay"),
        (Data, Say("250 ok?"), false, "no relay"),
        (Data, Close, false, "no relay"),
        (Data, Hang, false, "no relay"),
        (InsideMessage, Close, true, "broken"),
        (Message, Say("452 4.3.1 no room"), true, "refused for now"),
        (Message, Say("421 4.3.2 not taken"), true, "refused for now"),
        (Message, SayAndClose("421 4.3.2 not taken"), true, "refused for now"),
        (Message, Say("554 5.7.1 looks like spam"), true, "refused for good"),
        (Message, Say("250"), true, "accepted"),
        (Message, Say("354 go on"), true, "broken"),
        (Message, Say("2x0 gibberish"), true, "broken"),
        (Message, SayAndClose("25"), true, "broken"),
        (Message, Close, true, "broken"),
        (Message, Hang, true, "broken"),
    ];
    for ((phase, act, begun, want), pipelines) in rows.iter().flat_map(|row| [(row, false), (row, true)]) {
        let peer = ScriptedSmtp::start([(*phase, act.clone())]).await;
        if pipelines {
            peer.offer_pipelining();
        }
        let timeout = if matches!(act, Hang) { TIMEOUT_SHORT } else { PATIENCE };
        let mut settings = relay(peer.address, timeout);
        settings.credentials = Some(("user".into(), "geheim".into()));
        let mut transport = SmtpTransport::new(settings).unwrap();
        let (was_begun, reply) = send(&mut transport, &mail(1)).await;
        let (got, text) = name(&reply);
        assert_eq!((was_begun, got), (*begun, *want), "{phase:?} {act:?}, pipelines: {pipelines}: {text}");
        assert!(peer.received().is_empty(), "{phase:?} {act:?}");
        if let Say(words) = act
            && let Some(code) =
                words.get(..3).filter(|code| code.bytes().all(|byte| byte.is_ascii_digit()) && *code != "999")
        {
            assert!(text.contains(code), "{phase:?}: {text} should keep {words}");
        }

        // whatever happened, the next mail goes through
        let (_, reply) = send(&mut transport, &mail(2)).await;
        assert_eq!(name(&reply).0, "accepted", "after {phase:?} {act:?}: {reply:?}");
        assert_eq!(peer.received().len(), 1, "after {phase:?} {act:?}");
        assert_eq!(peer.received()[0].to, "abh-2@musterau.example");
    }
}

#[tokio::test]
async fn the_answer_to_a_message_has_a_time_of_its_own() {
    let peer = ScriptedSmtp::start([(Phase::Message, Act::Hang)]).await;
    let settings = Relay { message_timeout: TIMEOUT_SHORT, ..relay(peer.address, PATIENCE) };
    let (was_begun, reply) = send(&mut SmtpTransport::new(settings).unwrap(), &mail(1)).await;
    assert!(was_begun);
    let (got, text) = name(&reply);
    assert_eq!(got, "broken", "{text}");
    assert!(text.ends_with("within 200ms"), "{text}");
}

#[tokio::test]
async fn a_relay_that_pipelines_gets_a_mails_commands_in_one_piece_and_others_one_by_one() {
    for pipelines in [true, false] {
        let peer = ScriptedSmtp::start([(Phase::Mail, Act::Hang)]).await;
        if pipelines {
            peer.offer_pipelining();
        }
        let mut transport = SmtpTransport::new(relay(peer.address, TIMEOUT_SHORT)).unwrap();
        assert_eq!(name(&send(&mut transport, &mail(1)).await.1).0, "no relay", "it hangs at MAIL");
        let after_mail = peer.commands().into_iter().skip_while(|command| !command.starts_with("MAIL")).skip(1);
        let rest: Vec<String> = after_mail.take_while(|command| command != "QUIT").collect();
        let in_one_piece: &[&str] = if pipelines { &["RCPT TO:<abh-1@musterau.example>", "DATA"] } else { &[] };
        assert_eq!(rest, in_one_piece);
    }
}

#[tokio::test]
async fn a_relay_that_wants_the_mail_of_a_refused_recipient_does_not_get_it() {
    // the scripted peer answers DATA with 354 also when it has refused the recipient
    let peer = ScriptedSmtp::start([(Phase::Rcpt, Act::Say("550 5.1.1 no such user"))]).await;
    peer.offer_pipelining();
    let mut transport = SmtpTransport::new(relay(peer.address, PATIENCE)).unwrap();
    let (begun, reply) = send(&mut transport, &mail(1)).await;
    assert_eq!((begun, reply), (false, Reply::RefusedForGood { text: "RCPT: 550 5.1.1 no such user".into() }));
    assert_eq!(name(&send(&mut transport, &mail(2)).await.1).0, "accepted");
    assert_eq!(peer.connections(), 2, "the first was given up");
    assert_eq!(peer.received().len(), 1);

    // one in good order answers DATA with 503, and the connection is kept
    let refusals =
        [(Phase::Rcpt, Act::Say("550 5.1.1 no such user")), (Phase::Data, Act::Say("503 5.5.1 need a recipient"))];
    let peer = ScriptedSmtp::start(refusals).await;
    peer.offer_pipelining();
    let mut transport = SmtpTransport::new(relay(peer.address, PATIENCE)).unwrap();
    let (_, reply) = send(&mut transport, &mail(1)).await;
    assert_eq!(reply, Reply::RefusedForGood { text: "RCPT: 550 5.1.1 no such user".into() });
    assert_eq!(name(&send(&mut transport, &mail(2)).await.1).0, "accepted");
    assert_eq!(peer.connections(), 1);
    assert!(peer.commands().contains(&"RSET".to_owned()));
}

#[tokio::test]
async fn a_refused_connection_is_no_relay() {
    let mut transport = SmtpTransport::new(relay(ScriptedSmtp::refusing().await, PATIENCE)).unwrap();
    let (_, reply) = send(&mut transport, &mail(1)).await;
    let (got, text) = name(&reply);
    assert_eq!(got, "no relay");
    assert!(text.contains("connect to 127.0.0.1:"), "{text}");
}

#[tokio::test]
async fn after_a_refused_recipient_the_connection_is_reset_and_used_again() {
    let peer = ScriptedSmtp::start([(Phase::Rcpt, Act::Say("550 5.1.1 no such user"))]).await;
    let mut transport = SmtpTransport::new(relay(peer.address, PATIENCE)).unwrap();
    let (_, reply) = send(&mut transport, &mail(1)).await;
    assert_eq!(reply, Reply::RefusedForGood { text: "RCPT: 550 5.1.1 no such user".into() });
    let (_, reply) = send(&mut transport, &mail(2)).await;
    assert_eq!(name(&reply).0, "accepted");
    assert_eq!(peer.connections(), 1);
    assert!(peer.commands().contains(&"RSET".to_owned()));
}

#[tokio::test]
async fn a_connection_that_ended_while_it_was_idle_is_replaced_within_the_same_attempt() {
    for act in [Act::Close, Act::SayAndClose("421 4.4.2 idle for too long")] {
        let peer = ScriptedSmtp::start([]).await;
        let mut transport = SmtpTransport::new(relay(peer.address, PATIENCE)).unwrap();
        assert_eq!(name(&send(&mut transport, &mail(1)).await.1).0, "accepted");
        peer.then([(Phase::Mail, act.clone())]);
        assert_eq!(name(&send(&mut transport, &mail(2)).await.1).0, "accepted", "{act:?}");
        assert_eq!(peer.connections(), 2);
    }
}

#[tokio::test]
async fn a_mail_that_was_prepared_and_not_handed_over_is_forgotten() {
    let peer = ScriptedSmtp::start([]).await;
    let mut transport = SmtpTransport::new(relay(peer.address, PATIENCE)).unwrap();
    transport.prepare(&mail(1)).await.unwrap();
    let reply = transport.complete(&mail(2)).await;
    assert_eq!(name(&reply), ("no relay", "mail <2@zrk.example> was not prepared"));
    transport.prepare(&mail(3)).await.unwrap();
    assert_eq!(name(&send(&mut transport, &mail(4)).await.1).0, "accepted");
    let to: Vec<String> = peer.received().into_iter().map(|mail| mail.to).collect();
    assert_eq!(to, ["abh-4@musterau.example"]);
}

#[tokio::test]
async fn without_starttls_nothing_is_sent_when_it_is_required() {
    let peer = ScriptedSmtp::start([]).await;
    let mut settings = relay(peer.address, PATIENCE);
    settings.tls = Tls::StartTls;
    let mut transport = SmtpTransport::new(settings).unwrap();
    let (begun, reply) = send(&mut transport, &mail(1)).await;
    let (got, text) = name(&reply);
    assert_eq!((begun, got), (false, "no relay"));
    assert!(text.contains("does not offer STARTTLS"), "{text}");
    assert!(!peer.commands().iter().any(|command| command.starts_with("MAIL")));
}

#[tokio::test]
async fn a_starttls_that_fails_or_hangs_is_no_relay_and_sends_nothing() {
    let offer = (Phase::Ehlo, Act::Say("250-relay.example\r\n250 STARTTLS"));
    for act in [Act::Say("454 4.7.0 no"), Act::Say("220 go on"), Act::Close, Act::Hang] {
        let peer = ScriptedSmtp::start([offer.clone(), (Phase::StartTls, act.clone())]).await;
        let mut settings = relay(peer.address, TIMEOUT_SHORT);
        settings.tls = Tls::StartTls;
        let (begun, reply) = send(&mut SmtpTransport::new(settings).unwrap(), &mail(1)).await;
        assert_eq!((begun, name(&reply).0), (false, "no relay"), "{act:?}: {reply:?}");
        assert!(!peer.commands().iter().any(|command| command.starts_with("MAIL")), "{:?}", peer.commands());
    }
}

#[tokio::test]
async fn words_before_the_encryption_are_not_taken_for_the_relays_behind_it() {
    let offer = (Phase::Ehlo, Act::Say("250-relay.example\r\n250 STARTTLS"));
    let forged = Act::Say("220 go on\r\n250 relay.example\r\n250 ok\r\n250 ok\r\n354 go on\r\n250 2.0.0 queued as 1");
    let peer = ScriptedSmtp::start([offer, (Phase::StartTls, forged)]).await;
    let mut settings = relay(peer.address, PATIENCE);
    settings.tls = Tls::StartTls;
    let (begun, reply) = send(&mut SmtpTransport::new(settings).unwrap(), &mail(1)).await;
    let (got, text) = name(&reply);
    assert_eq!((begun, got), (false, "no relay"), "{text}");
    assert!(text.contains("somebody may sit in between"), "{text}");
}

#[tokio::test]
async fn a_login_in_steps_says_what_it_is_asked_for() {
    let steps = [
        (Phase::Ehlo, Act::Say("250-relay.example\r\n250 AUTH GSSAPI LOGIN")),
        (Phase::Auth, Act::Say("334 VXNlcm5hbWU6")),
        (Phase::Login, Act::Say("334 UGFzc3dvcmQ6")),
        (Phase::Login, Act::Say("235 2.7.0 welcome")),
    ];
    let peer = ScriptedSmtp::start(steps.clone()).await;
    let mut settings = relay(peer.address, PATIENCE);
    settings.credentials = Some(("user".into(), "geheim".into()));
    assert_eq!(name(&send(&mut SmtpTransport::new(settings.clone()).unwrap(), &mail(1)).await.1).0, "accepted");
    assert_eq!(peer.commands()[1..4], ["AUTH LOGIN", "dXNlcg==", "Z2VoZWlt"]);

    let check = async |answers: Vec<(Phase, Act)>, want: &str| {
        let peer = ScriptedSmtp::start(answers).await;
        let settings = Relay { port: peer.address.port(), ..settings.clone() };
        let (_, reply) = send(&mut SmtpTransport::new(settings).unwrap(), &mail(1)).await;
        assert_eq!(name(&reply), ("no relay", want));
        assert_eq!(peer.commands().last().unwrap(), "QUIT");
    };
    let [offer, user, password, _] = steps;
    let endless = [offer.clone(), user, password.clone(), password].to_vec();
    check(endless, "AUTH: the relay asks again and again").await;
    let other = [offer.clone(), (Phase::Auth, Act::Say("334 dG9rZW4="))].to_vec();
    check(other, "AUTH: the relay asks for something else than user and password").await;
    let none = [(Phase::Ehlo, Act::Say("250-relay.example\r\n250 AUTH GSSAPI"))].to_vec();
    check(none, "AUTH: the relay offers neither PLAIN nor LOGIN").await;
}

#[tokio::test]
async fn a_login_is_only_made_when_it_is_configured_and_its_password_is_never_repeated() {
    let peer = ScriptedSmtp::start([]).await;
    let mut transport = SmtpTransport::new(relay(peer.address, PATIENCE)).unwrap();
    assert_eq!(name(&send(&mut transport, &mail(1)).await.1).0, "accepted");
    assert!(!peer.commands().iter().any(|command| command.starts_with("AUTH")));

    for (says, want) in [
        ("535 5.7.8 AHVzZXIAZ2VoZWlt is wrong", "AUTH: 535 5.7.8 the relay refuses the login"),
        ("500 AHVzZXIAZ2VoZWlt unknown", "AUTH: 500 the relay refuses the login"),
        ("AUTH PLAIN AHVzZXIAZ2VoZWlt unknown", "AUTH: no reply of a mail system"),
    ] {
        let peer = ScriptedSmtp::start([(Phase::Auth, Act::Say(says))]).await;
        let mut settings = relay(peer.address, PATIENCE);
        settings.credentials = Some(("user".into(), "geheim".into()));
        let (_, reply) = send(&mut SmtpTransport::new(settings).unwrap(), &mail(1)).await;
        assert_eq!(name(&reply), ("no relay", want));
        assert!(peer.commands().iter().any(|command| command == "AUTH PLAIN AHVzZXIAZ2VoZWlt"));
    }
}

#[tokio::test]
async fn a_replys_words_are_one_line_and_bounded() {
    let long: &'static str = Box::leak(format!("550 \u{1b}[31mno\tsuch {}", "x".repeat(900)).into_boxed_str());
    let peer = ScriptedSmtp::start([(Phase::Rcpt, Act::Say(long))]).await;
    let (_, reply) = send(&mut SmtpTransport::new(relay(peer.address, PATIENCE)).unwrap(), &mail(1)).await;
    let (got, text) = name(&reply);
    assert_eq!(got, "refused for good");
    assert_eq!(text.chars().count(), 500);
    assert!(!text.chars().any(char::is_control), "{text:?}");
}

#[tokio::test]
async fn siblings_have_connections_of_their_own() {
    let peer = ScriptedSmtp::start([]).await;
    let mut first = SmtpTransport::new(relay(peer.address, PATIENCE)).unwrap();
    let mut second = first.sibling();
    let (one, two) = (mail(1), mail(2));
    let (left, right) = tokio::join!(send(&mut first, &one), send(&mut second, &two));
    assert_eq!((name(&left.1).0, name(&right.1).0), ("accepted", "accepted"));
    assert_eq!(peer.connections(), 2);
}

#[test]
fn settings_that_could_end_a_command_or_hold_no_certificate_are_refused() {
    let settings = || relay("127.0.0.1:25".parse().unwrap(), PATIENCE);
    let check = |want: &str, settings: Relay| {
        let error = SmtpTransport::new(settings).err().expect(want).to_string();
        assert!(error.contains(want), "{error}");
    };
    check("hello_name: \"a\\r\\nMAIL\"", Relay { hello_name: Some("a\r\nMAIL".into()), ..settings() });
    check("host: \"\"", Relay { host: String::new(), ..settings() });
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("ca.pem");
    std::fs::write(&empty, "nothing").unwrap();
    check("holds no certificate", Relay { ca_file: Some(empty), tls: Tls::StartTls, ..settings() });
    let none = folder.path().join("none.pem");
    check("none.pem: cannot be read", Relay { ca_file: Some(none), tls: Tls::Implicit, ..settings() });
}
