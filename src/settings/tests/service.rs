//! Tests what fristd.toml and the environment may say.

use super::*;
use crate::domain::delivery::OnUncertain;
use crate::domain::pace;

const DIRECTORY: &str = "transport   = \"directory\"";
const SMTP: &str = "transport = \"smtp\"\nhost = \"relay.example\"";

fn smtp(site: &Site) -> SmtpSettings {
    match site.load_good().service.transport {
        Transport::Smtp(smtp) => smtp,
        Transport::Directory { folder } => panic!("{folder:?}"),
    }
}

#[test]
fn what_is_wrong_is_refused_with_value_and_remedy() {
    let check = |label: &str, from: &str, to: &str, pieces: &[&str]| {
        Site::example().edit("fristd.toml", from, to).refuses(label, pieces);
    };
    check(
        "zone",
        "Europe/Berlin",
        "Europe/Bielefeld",
        &["fristd.toml:7: time_zone: unknown time zone \"Europe/Bielefeld\""],
    );
    check(
        "unknown key",
        "[intake]",
        "tock = 1\n[intake]",
        &["mail: unknown key \"tock\"; known: transport, directory, host"],
    );
    check("unknown section", "[limits]", "[limit]", &["unknown key \"limit\"; known: time_zone"]);
    check(
        "a section as a value",
        "[limits]\n",
        "[limits]\n[mail.host]\n",
        &["mail.host: a table is not accepted here"],
    );
    check(
        "type",
        "tick_seconds = 10 ",
        "tick_seconds = \"10\" ",
        &["tick_seconds: \"10\" is not accepted here; accepted: a whole number"],
    );
    check("tick", "tick_seconds = 10 ", "tick_seconds = 301 ", &["tick_seconds: \"301\"", "from 1 to 300"]);
    check("limit", "notices_a_tick_max = 1000", "notices_a_tick_max = 0", &["limits.notices_a_tick_max: \"0\""]);
    check(
        "a server whose certificate is not checked",
        "# database  = \"data/fristd.sqlite\"",
        "database = \"postgres://u:geheim@db/x?sslmode=require\"",
        &["database: sslmode=\"require\" does not check the certificate of \"db\"", "verify-full"],
    );
    check(
        "scheme",
        "# database  = \"data/fristd.sqlite\"",
        "database = \"sqlite://x\"",
        &["accepted: the path of an SQLite file"],
    );
    check(
        "a switch as a text",
        "bounce_tokens   = false",
        "bounce_tokens = \"yes\"",
        &["mail.bounce_tokens: \"yes\" is not accepted here; accepted: true or false"],
    );
    check(
        "no room for a token",
        "bounce_tokens   = false",
        "bounce_tokens = true\nenvelope_from = \"rueckkehrkoordination@zrk-nrw.example\"",
        &["mail.envelope_from: \"rueckkehrkoordination\" leaves no room for a token", "at most 14 characters"],
    );
    check("empty maildir", "# bounce_maildir =", "bounce_maildir = \"\" #", &["mail.bounce_maildir: is no path"]);
    check("empty path", "data        = \"data\" ", "data = \"\" ", &["data: is no path"]);
    check(
        "templates",
        "# templates = \"templates\"",
        "templates = \"tmpl\"",
        &["templates: ", "tmpl is no folder; create it"],
    );
    check(
        "calendars",
        "# calendars = \"calendars\"",
        "calendars = \"cal\"",
        &["cal: cannot list the folder of calendars"],
    );
    check(
        "transport",
        DIRECTORY,
        "transport = \"sendmail\"",
        &["mail.transport: unknown value \"sendmail\"; known: directory, smtp"],
    );
    check("no host", DIRECTORY, "transport = \"smtp\"", &["mail.host: is missing", "host = \"relay.example\""]);
    check(
        "host",
        DIRECTORY,
        "transport = \"smtp\"\nhost = \"relay example\"",
        &["mail.host: \"relay example\" is no host"],
    );
    check("tls", DIRECTORY, &format!("{SMTP}\ntls = \"ssl\""), &["known: starttls, implicit, none"]);
    check(
        "no tls",
        DIRECTORY,
        &format!("{SMTP}\ntls = \"none\""),
        &["mail.tls: mail to \"relay.example\" would go unprotected", "localhost"],
    );
    check("port", DIRECTORY, &format!("{SMTP}\nport = 65536"), &["mail.port: \"65536\"", "from 1 to 65535"]);
    check("time-out", DIRECTORY, &format!("{SMTP}\ntimeout_seconds = 0"), &["mail.timeout_seconds: \"0\""]);
    check(
        "answer",
        DIRECTORY,
        &format!("{SMTP}\nmessage_timeout_seconds = 301"),
        &["mail.message_timeout_seconds: \"301\""],
    );
    check("ca_file", DIRECTORY, &format!("{SMTP}\nca_file = \"ca.pem\""), &["ca.pem: cannot read", "mail.ca_file"]);
    check(
        "password",
        DIRECTORY,
        "password = \"geheim\"",
        &["mail.password: a password does not belong in this file", "password_file", "FRISTD__MAIL__PASSWORD"],
    );
    check(
        "user alone",
        DIRECTORY,
        &format!("{SMTP}\nusername = \"fristd\""),
        &["mail.username: a user name without a password"],
    );
    check(
        "from",
        "fristen@zrk-nrw.example\"\nfrom_name",
        "fristen\"\nfrom_name",
        &["mail.from: \"fristen\" is not a mail address"],
    );
    check(
        "from_name",
        "from_name       = \"",
        "from_name       = \"A\\r\\nBcc: x",
        &["mail.from_name: ", "holds a line break"],
    );
    check("reply_to", "aps@zrk-nrw.example", "aps", &["mail.reply_to: \"aps\""]);
    check(
        "on_uncertain",
        "= \"resend\"",
        "= \"drop\"",
        &["mail.on_uncertain: unknown value \"drop\"; known: resend, hold"],
    );
    let without_from = format!("{SMTP}\n#");
    let site = Site::example().edit("fristd.toml", DIRECTORY, &without_from).edit(
        "fristd.toml",
        "from            =",
        "# from =",
    );
    site.refuses("smtp without from", &["mail.from: is missing"]);
}

#[test]
fn complaints_do_not_show_passwords() {
    let site = Site::example()
        .edit("fristd.toml", DIRECTORY, "password = \"geheim\"")
        .edit("fristd.toml", "# database  = \"data/fristd.sqlite\"", "database = \"postgres://u:geheim@db\"")
        .env("FRISTD__MAIL__PASSWORD", "geheim\nzwei");
    let shown = site.load().unwrap_err().to_string();
    assert!(!shown.contains("geheim"), "{shown}");
    let site = Site::example()
        .edit("fristd.toml", DIRECTORY, &format!("{SMTP}\nusername = \"u\""))
        .env("FRISTD__MAIL__PASSWORD", "geheim");
    let shown = format!("{:?}", site.load_good());
    assert!(!shown.contains("geheim"));
}

#[test]
fn a_broken_fristd_toml_does_not_hide_the_other_files() {
    let site = Site::example()
        .edit("fristd.toml", "[mail]", "[mail")
        .edit("cycles.toml", "kind = \"overdue\"", "kind = \"late\"")
        .remove("authorities.csv");
    let complaints = site.load().unwrap_err();
    let files: Vec<&str> = complaints.0.iter().map(|complaint| complaint.file.as_str()).collect();
    assert_eq!(
        files,
        ["fristd.toml", "cycles.toml"],
        "a path that the file may have named is not guessed:\n{complaints}"
    );
}

#[test]
fn the_environment_overrides_the_file_and_the_file_the_defaults() {
    let site = Site::example()
        .edit("fristd.toml", DIRECTORY, &format!("{SMTP}\nport = 2525\nenvelope_from = \"ruecklauf@zrk.example\""))
        .env("FRISTD__MAIL__HOST", "other.example")
        .env("FRISTD__TICK_SECONDS", "30")
        .env("FRISTD__DATA", "/var/lib/fristd")
        .env("FRISTD__LIMITS__NOTICES_A_TICK_MAX", "20")
        .env("FRISTD__MAIL__ON_UNCERTAIN", "hold")
        .env("FRISTD__MAIL__REPLY_TO", "")
        .env("FRISTD_CONFIG", "not ours");
    let settings = site.load_good();
    let service = &settings.service;
    let Transport::Smtp(smtp) = &service.transport else { panic!() };
    assert_eq!((smtp.host.as_str(), smtp.port, smtp.timeout_seconds), ("other.example", 2525, 30));
    assert_eq!((service.tick_seconds, settings.rulebook.notices_a_tick_max), (30, 20));
    assert_eq!(service.database, Database::File("/var/lib/fristd/fristd.sqlite".into()));
    assert_eq!(service.on_uncertain, OnUncertain::Hold);
    assert_eq!(service.sender.envelope_from.as_str(), "ruecklauf@zrk.example");
    assert_eq!(
        service.sender.reply_to.as_ref().map(|to| to.as_str()),
        Some("aps@zrk-nrw.example"),
        "empty is as unset"
    );
}

#[test]
fn a_wrong_variable_is_refused_by_its_name() {
    let check =
        |label: &str, name: &str, value: &str, pieces: &[&str]| Site::example().env(name, value).refuses(label, pieces);
    check(
        "unknown",
        "FRISTD__MAIL__HOTS",
        "x",
        &["environment: FRISTD__MAIL__HOTS: unknown variable; known: FRISTD__TIME_ZONE"],
    );
    check("a section", "FRISTD__MAIL", "x", &["environment: FRISTD__MAIL: unknown variable"]);
    check("a path expression", "FRISTD__MAIL__[0", "x", &["unknown variable"]);
    check("number", "FRISTD__TICK_SECONDS", "ten", &["environment: FRISTD__TICK_SECONDS: \"ten\"", "from 1 to 300"]);
    check("address", "FRISTD__MAIL__FROM", "x", &["environment: FRISTD__MAIL__FROM: \"x\" is not a mail address"]);
    check("missing file", "FRISTD__CONTACTS", "c.csv", &["c.csv: cannot read"]);
    Site::example().env("FRISTD__DATA", "a").env("fristd__data", "b").refuses("twice", &["sets the same key"]);
}

#[cfg(unix)]
#[test]
fn variables_that_are_not_utf8_are_refused_if_ours_and_ignored_otherwise() {
    use std::os::unix::ffi::OsStringExt;
    let broken = || OsString::from_vec(b"caf\xe9".to_vec());
    Site::example().env("OTHER", broken()).env(broken(), "x").load_good();
    Site::example()
        .env("FRISTD__DATA", broken())
        .refuses("ours", &["environment: FRISTD__DATA: the value is not UTF-8"]);
}

#[test]
fn ports_follow_tls_and_none_is_for_the_same_machine() {
    let check = |lines: &str, port: u16, tls: Tls| {
        let site = Site::example().edit("fristd.toml", DIRECTORY, &format!("transport = \"smtp\"\n{lines}"));
        let smtp = smtp(&site);
        assert_eq!((smtp.port, smtp.tls), (port, tls), "{lines}");
    };
    check("host = \"relay.example\"", 587, Tls::StartTls);
    check("host = \"relay.example\"\ntls = \"implicit\"", 465, Tls::Implicit);
    check("host = \"relay.example\"\ntls = \"implicit\"\nport = 25", 25, Tls::Implicit);
    for host in ["localhost", "127.0.0.1", "127.8.8.8", "::1"] {
        check(&format!("host = \"{host}\"\ntls = \"none\""), 25, Tls::None);
    }
    for host in ["10.0.0.1", "::2", "localhost.example", "0.0.0.0"] {
        let lines = format!("transport = \"smtp\"\nhost = \"{host}\"\ntls = \"none\"");
        Site::example().edit("fristd.toml", DIRECTORY, &lines).refuses(host, &["would go unprotected"]);
    }
}

#[test]
fn a_password_comes_from_its_file_or_the_environment() {
    let lines = format!("{SMTP}\nusername = \"fristd\"\npassword_file = \"secret\"");
    let site = |password: &str| Site::example().edit("fristd.toml", DIRECTORY, &lines).write("secret", password);
    let check =
        |password: &str| assert_eq!(smtp(&site(password)).password, Some(Secret::new("ge heim")), "{password:?}");
    check("ge heim");
    check("ge heim\n");
    check("ge heim\r\n");
    let env = site("other").env("FRISTD__MAIL__PASSWORD", "ge heim");
    assert_eq!(smtp(&env).password, Some(Secret::new("ge heim")), "the environment comes first");
    site("").refuses("empty", &["secret: password: is empty"]);
    site("\n").refuses("only a line break", &["secret: password: is empty"]);
    site("ge\nheim\n").refuses("two lines", &["secret: password: holds a line break"]);
    site("x").remove("secret").refuses("missing", &["secret: cannot read", "mail.password_file"]);
    Site::example()
        .edit("fristd.toml", DIRECTORY, SMTP)
        .env("FRISTD__MAIL__PASSWORD", "x")
        .refuses("without user", &["mail.username: is missing, but there is a password"]);
}

#[test]
fn paths_are_relative_to_the_file() {
    let site = Site::example().edit("fristd.toml", DIRECTORY, "directory = \"mails\"").edit(
        "fristd.toml",
        "# database  = \"data/fristd.sqlite\"",
        "database = \"/srv/f.sqlite\"",
    );
    let settings = site.load_good();
    let Transport::Directory { folder } = settings.service.transport else { panic!() };
    assert_eq!(folder, site.path().join("mails"));
    assert_eq!(settings.service.database, Database::File("/srv/f.sqlite".into()));
}

#[test]
fn limits_and_heartbeat_are_shipped_so_and_can_be_set() {
    let shipped = Limits {
        connections: 4,
        pace: pace::Limits { mails_a_minute: 600, mails_a_minute_a_domain: 120 },
        breaker_failures: 5,
        clock_seconds_max: 60,
    };
    let service = Site::example().load_good().service;
    assert_eq!((service.limits, service.heartbeat), (shipped, None));
    let empty = Site::example().write("fristd.toml", "").load_good().service;
    assert_eq!((empty.limits, empty.heartbeat), (shipped, None), "without the file the same holds");
    let site = Site::example()
        .edit("fristd.toml", "connections = 4", "connections = 64")
        .edit("fristd.toml", "mails_a_minute = 600", "mails_a_minute = 1_000_000")
        .edit("fristd.toml", "mails_a_minute_a_domain = 120", "mails_a_minute_a_domain = 1000000")
        .edit("fristd.toml", "every_seconds = 60", "every_seconds = 5\nurl = \"https://monitor.example/p/geheim\"")
        .env("FRISTD__LIMITS__BREAKER_FAILURES", "1");
    let service = site.load_good().service;
    let pace = pace::Limits { mails_a_minute: 1_000_000, mails_a_minute_a_domain: 1_000_000 };
    assert_eq!(service.limits, Limits { connections: 64, pace, breaker_failures: 1, clock_seconds_max: 60 });
    let heartbeat = service.heartbeat.unwrap();
    assert_eq!((heartbeat.url.well(), heartbeat.every_seconds), ("https://monitor.example/p/geheim", 5));
    let elsewhere = site.env("FRISTD__HEARTBEAT__URL", "http://127.0.0.1:8080/other").load_good().service;
    assert_eq!(elsewhere.heartbeat.unwrap().url.well(), "http://127.0.0.1:8080/other", "the environment comes first");
}

#[test]
fn limits_out_of_range_are_refused() {
    let check = |key: &str, shipped: &str, value: &str, accepted: &str| {
        let (from, to) = (format!("\n{key} = {shipped}"), format!("\n{key} = {value}"));
        let message = format!("limits.{key}: \"{value}\" is not accepted; accepted: a whole number from {accepted}");
        Site::example().edit("fristd.toml", &from, &to).refuses(&format!("{key} {value}"), &[&message]);
    };
    check("connections", "4", "0", "1 to 64");
    check("connections", "4", "65", "1 to 64");
    check("mails_a_minute", "600", "0", "1 to 1000000");
    check("mails_a_minute", "600", "1000001", "1 to 1000000");
    check("mails_a_minute_a_domain", "120", "-1", "1 to 1000000");
    check("mails_a_minute_a_domain", "120", "4294967297", "1 to 1000000");
    check("breaker_failures", "5", "0", "1 to 1000");
    check("breaker_failures", "5", "1001", "1 to 1000");
    let (from, to) = ("every_seconds = 60", "every_seconds = 0");
    Site::example()
        .edit("fristd.toml", from, to)
        .refuses("beat", &["heartbeat.every_seconds: \"0\"", "from 1 to 86400"]);
}

#[test]
fn a_heartbeat_goes_to_https_or_to_the_same_machine_and_is_never_shown() {
    const PLACE: &str = "every_seconds = 60";
    let site = |url: &str| Site::example().edit("fristd.toml", PLACE, &format!("{PLACE}\nurl = \"{url}\""));
    for url in [
        "https://hc.example/p/geheim",
        "https://[2001:db8::1]:8443/geheim",
        "http://localhost/geheim",
        "http://127.3.2.1:80/geheim",
        "http://[::1]:9/geheim",
    ] {
        let settings = site(url).load_good();
        let shown = format!("{:?} {}", settings, settings.service.heartbeat.as_ref().unwrap().url);
        assert!(!shown.contains("geheim"), "{url}: {shown}");
    }
    let check = |label: &str, url: &str, piece: &str| {
        site(url).refuses(label, &["heartbeat.url: ", piece]);
        let shown = site(url).load().unwrap_err().to_string();
        assert!(!shown.contains("geheim"), "{label}: {shown}");
    };
    check("http elsewhere", "http://hc.example/p/geheim", "http is accepted for localhost, 127.0.0.0/8 and ::1 only");
    check("a name like localhost", "http://localhost.example/geheim", "write https");
    check("any address of this machine", "http://0.0.0.0/geheim", "write https");
    check("another scheme", "ftp://hc.example/geheim", "is neither https nor http");
    check("no scheme", "hc.example/geheim", "is no address on the net; accepted: an address like https://");
    check("no host", "https:///", "is no address on the net");
    check("a login", "https://zrk:geheim@hc.example/", "holds a user name or a password");
    check("a fragment", "https://hc.example/p#geheim", "holds a #");
    check("a line break", "https://hc.example/\\r\\ngeheim", "line break");
    check("a space", "https://hc.example/p geheim", "holds a space");
    check("too long", &format!("https://hc.example/{}", "geheim".repeat(400)), "longer than 2000 characters");
    let broken = Site::example().edit("fristd.toml", PLACE, "url = \"https://hc.example/p/geheim");
    let shown = broken.load().unwrap_err().to_string();
    assert!(shown.contains("not TOML") && !shown.contains("geheim"), "a line that is no TOML: {shown}");
}
