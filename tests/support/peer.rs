//! A scripted SMTP peer for tests that are not asynchronous themselves. Never answers by itself what the script forbids.

use std::ops::Deref;

use tokio::runtime::{Builder, Runtime};

use super::daemon::poll;
use super::scripted_smtp::{Act, Phase, Received, ScriptedSmtp};

/// The peer with the threads that it runs on.
pub struct Peer {
    smtp: ScriptedSmtp,
    _runtime: Runtime,
}

impl Peer {
    /// Starts a peer in good health, except for the acts of the script.
    pub fn start(script: impl IntoIterator<Item = (Phase, Act)>) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let smtp = runtime.block_on(ScriptedSmtp::start(script));
        Self { smtp, _runtime: runtime }
    }

    pub fn port(&self) -> u16 {
        self.smtp.address.port()
    }

    /// Waits until it has taken so many mails.
    pub fn wait_for(&self, count: usize) -> Vec<Received> {
        poll("mails at the scripted peer", || Some(self.smtp.received()).filter(|mails| mails.len() >= count))
    }

    /// Waits until it was given so many commands that begin like this.
    pub fn wait_for_commands(&self, beginning: &str, count: usize) {
        poll("commands at the scripted peer", || {
            let commands = self.smtp.commands();
            (commands.iter().filter(|command| command.starts_with(beginning)).count() >= count).then_some(())
        });
    }
}

impl Deref for Peer {
    type Target = ScriptedSmtp;

    fn deref(&self) -> &ScriptedSmtp {
        &self.smtp
    }
}

/// The value of a header of a received mail.
pub fn header(mail: &Received, name: &str) -> Option<String> {
    let head = mail.message.split("\r\n\r\n").next().unwrap_or_default().replace("\r\n ", " ");
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(given, _)| given.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim().to_owned())
}
