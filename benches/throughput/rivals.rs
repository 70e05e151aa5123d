//! What else sends mail: Postfix's `smtp-source` as the bare limit, nodemailer and Python's smtplib as what people would script.
//! Never measures itself: the sink does.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use mail_parser::MessageParser;
use tempfile::TempDir;

use super::gauge::{Gauge, postfix_program, tools};
use super::support::crowd::crowd;
use super::support::peer::Peer;

/// A mail as fristd composes it, taken apart for others to send.
pub struct Sample {
    folder: TempDir,
    pub bytes: usize,
}

impl Sample {
    pub fn take() -> Self {
        let peer = Peer::start([]);
        let site = crowd(1, peer.port());
        let daemon = site.run();
        let mail = peer.wait_for(1).remove(0).message;
        daemon.stop();
        let parsed = MessageParser::default().parse(&mail).expect("a mail of our own");
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, text) in [
            ("mail", mail.replace("\r\n", "\n")),
            ("text", parsed.body_text(0).expect("a text part").into_owned()),
            ("html", parsed.body_html(0).expect("an HTML part").into_owned()),
        ] {
            fs::write(folder.path().join(name), text).expect("the temporary folder is writable");
        }
        Self { folder, bytes: mail.len() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// Postfix's generator keeps its connections (`-d`), and neither composes nor records anything.
pub fn smtp_source(gauge: &Gauge, sample: &Sample, count: usize, connections: usize) -> f64 {
    let mut command = postfix_program("smtp-source");
    command
        .args(["-d", "-s", &connections.to_string(), "-m", &count.to_string(), "-M", "zrk-nrw.example"])
        .args(["-f", "fristen@zrk-nrw.example", "-t", "meldung@stadt.example", "-F"])
        .arg(sample.path("mail"))
        .arg(format!("127.0.0.1:{}", gauge.port()));
    measure(gauge, command, count)
}

/// nodemailer composes the mail from its parts, with a pool of connections; nothing is recorded.
pub fn nodemailer(gauge: &Gauge, sample: &Sample, count: usize, connections: usize) -> f64 {
    let library = tools().join("nodemailer/dist/cjs/nodemailer.js");
    assert!(library.is_file(), "this benchmark compares with nodemailer; fetch it with tests/run --prepare-benchmark");
    let mut command = Command::new("node");
    command
        .arg(script("with_nodemailer.cjs"))
        .arg(library)
        .args([gauge.port().to_string(), connections.to_string(), count.to_string()])
        .args([sample.path("text"), sample.path("html")]);
    measure(gauge, command, count)
}

/// Python composes the mail from its parts, on one connection; nothing is recorded.
pub fn smtplib(gauge: &Gauge, sample: &Sample, count: usize) -> f64 {
    let mut command = Command::new("python3");
    command
        .arg(script("with_smtplib.py"))
        .args([gauge.port().to_string(), count.to_string()])
        .args([sample.path("text"), sample.path("html")]);
    measure(gauge, command, count)
}

fn measure(gauge: &Gauge, mut command: Command, count: usize) -> f64 {
    gauge.reset();
    let mut sender = command.stdout(Stdio::null()).spawn().unwrap_or_else(|cause| {
        panic!("{command:?}: {cause}; fetch what is missing with tests/run --prepare-benchmark")
    });
    let rate = gauge.rate(count);
    let status = sender.wait().expect("a child can be waited for");
    assert!(status.success(), "{command:?}: {status}");
    rate
}

fn script(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("benches/throughput").join(name)
}
