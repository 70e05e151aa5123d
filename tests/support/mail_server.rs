//! Starts a real mail server on a port of its own and reads what it delivered. Never touches the machine's own mail system.
//!
//! The server is Exim, Debian's `exim4-daemon-light`. Of the servers in Debian 12 it is the one that takes its whole
//! configuration from a file (`-C`), keeps spool, log and hints below one folder, and runs without root: OpenSMTPD and
//! Postfix start as root only and switch between users that their packages create. It speaks STARTTLS, TLS from the
//! first byte and AUTH, and it takes over a listening socket (`-bw`), so that no port is guessed and none is waited for.
//!
//! `tests/run` unpacks the package below `target/test-tools` instead of installing it: no service is started and a
//! mail server that is installed already stays. An Exim that is installed is used as well.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use notify::{RecursiveMode, Watcher};
use tempfile::TempDir;

use super::account::Account;
use super::certificates::make_certificates;

/// A recipient with this local part, in any domain, is refused for good (550).
pub const REFUSED: &str = "refused";
/// A recipient with this local part, in any domain, is taken and cannot be delivered: a report goes back to the sender.
pub const VANISHED: &str = "vanished";
/// A recipient with this local part, in any domain, is put off (451).
pub const DEFERRED: &str = "deferred";

/// A mail server of its own for one test; it ends when dropped.
///
/// Takes mail for every recipient in every domain, except [`REFUSED`] and [`DEFERRED`], and delivers it but for [`VANISHED`].
pub struct MailServer {
    folder: TempDir,
    port: u16,
    security: Security,
    daemon: Option<Child>,
}

/// What a client needs to be let in where TLS is demanded. The certificate is valid for `localhost` and `127.0.0.1`.
#[derive(Debug, Clone)]
pub struct TlsAccess {
    /// The certificate, in PEM, of the authority that was made for this server alone.
    pub ca_file: PathBuf,
    pub user: &'static str,
    pub password: &'static str,
}

/// One mail as it was delivered to one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedMail {
    /// The envelope sender; empty for the null sender.
    pub envelope_from: String,
    pub envelope_to: String,
    /// `esmtp`, or `esmtpsa` when it came encrypted and with a login.
    pub protocol: String,
    /// Who had logged in.
    pub user: Option<String>,
    /// The message byte for byte as the client sent it, lines ending in CRLF; the server adds no header.
    pub raw: Vec<u8>,
}

impl MailServer {
    /// Starts a server without TLS and without login.
    pub fn start() -> MailServer {
        MailServer::launch(Security::Open)
    }

    /// Starts a server that takes mail only after STARTTLS and a login.
    pub fn start_tls() -> (MailServer, TlsAccess) {
        MailServer::launch_with_access(Security::StartTls)
    }

    /// Starts a server that speaks TLS from the first byte (as on port 465) and demands a login.
    pub fn start_implicit_tls() -> (MailServer, TlsAccess) {
        MailServer::launch_with_access(Security::Implicit)
    }

    /// The port on 127.0.0.1; it stays the same when the server is stopped and started again.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// All mail that was delivered so far, in the order of delivery.
    pub fn received(&self) -> Vec<ReceivedMail> {
        let mut files: Vec<PathBuf> = fs::read_dir(self.arrivals())
            .expect("the folder of delivered mail is readable")
            .map(|entry| entry.expect("an entry of the folder of delivered mail").path())
            .collect();
        files.sort_by_key(|file| delivered_at(file));
        files.iter().map(|file| ReceivedMail::parse(&fs::read(file).expect("a delivered mail is readable"))).collect()
    }

    /// Waits until at least `count` mails were delivered and returns all. Fails when none arrives for ten seconds.
    ///
    /// The server confirms a mail before it delivers it, so a client that has its 250 may still be ahead.
    pub fn wait_for(&self, count: usize) -> Vec<ReceivedMail> {
        let (told, changes) = mpsc::channel();
        let mut watcher = notify::recommended_watcher(told).expect("folders can be watched");
        watcher.watch(&self.arrivals(), RecursiveMode::NonRecursive).expect("delivered mail can be watched");
        loop {
            let mails = self.received(); // after the watch began, so that nothing falls between the two
            if mails.len() >= count {
                return mails;
            }
            if changes.recv_timeout(SILENCE_MAX).is_err() {
                panic!("{} of {count} mails arrived, then none for {SILENCE_MAX:?}\n{}", mails.len(), self.log());
            }
        }
    }

    /// Ends the server with all its connections; from now on connecting is refused. What it accepted is delivered.
    pub fn stop(&mut self) {
        let mut daemon = self.daemon.take().expect("stop is for a server that runs");
        // Open connections are the daemon's children and would outlive it. Deliveries, their children, end by
        // themselves: one that is ended halfway would be done once more after start_again.
        let id = daemon.id();
        let connections = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).expect("/proc lists children");
        terminate(&format!("{id} {connections}"));
        daemon.wait().expect("the mail server was started by this process");
    }

    /// Starts a stopped server on the port that it had; mail that it accepted before and did not deliver is delivered.
    pub fn start_again(&mut self) {
        assert!(self.daemon.is_none(), "start_again is for a server that was stopped");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).expect("the port is still free");
        self.run_daemon(listener);
        self.exim(&["-q"]).status().expect("the mail server can look through its queue");
    }

    /// What the server logged, for the message of a test that fails.
    pub fn log(&self) -> String {
        ["stderr.log", "main.log", "reject.log", "panic.log"]
            .iter()
            .filter_map(|name| fs::read_to_string(self.folder.path().join(name)).ok())
            .collect()
    }

    fn launch_with_access(security: Security) -> (MailServer, TlsAccess) {
        let server = MailServer::launch(security);
        let access = TlsAccess { ca_file: server.folder.path().join("ca.pem"), user: USER, password: PASSWORD };
        (server, access)
    }

    fn launch(security: Security) -> MailServer {
        let folder = tempfile::Builder::new().prefix("fristd-mail-").tempdir().expect("a temporary folder");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port on 127.0.0.1");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        if security != Security::Open {
            make_certificates(folder.path());
        }
        let account = Account::of_server(folder.path());
        fs::write(folder.path().join("exim.conf"), configuration(folder.path(), port, security, account))
            .expect("the temporary folder is writable");
        for name in ["spool", "mail", "mail/new", "mail/tmp", "mail/cur"] {
            fs::create_dir(folder.path().join(name)).expect("the temporary folder is writable");
        }
        account.give(folder.path());

        let mut server = MailServer { folder, port, security, daemon: None };
        server.run_daemon(listener);
        server
    }

    /// Hands the listening socket to a new daemon and waits for its greeting. The system queues connections meanwhile.
    fn run_daemon(&mut self, listener: TcpListener) {
        let errors = fs::File::create(self.folder.path().join("stderr.log")).expect("the temporary folder is writable");
        let daemon = self
            .exim(&[&format!("-bw{IDLE_MAX}")])
            .stdin(OwnedFd::from(listener))
            .stdout(Stdio::null())
            .stderr(errors)
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("the mail server does not start: {error}"));
        self.daemon = Some(daemon);
        if self.security != Security::Implicit {
            let greeting = self.greeting();
            assert!(greeting.starts_with("220 "), "the mail server greets with {greeting:?}\n{}", self.log());
        }
    }

    fn greeting(&self) -> String {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let mut line = String::new();
        let read = TcpStream::connect_timeout(&address, SILENCE_MAX).and_then(|stream| {
            stream.set_read_timeout(Some(SILENCE_MAX))?;
            BufReader::new(stream).read_line(&mut line)
        });
        read.map_or_else(|error| error.to_string(), |_| line)
    }

    fn exim(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(exim_binary());
        command.arg("-C").arg(self.folder.path().join("exim.conf")).args(arguments).current_dir(self.folder.path());
        Account::of_server(self.folder.path()).run(&mut command);
        command
    }

    fn arrivals(&self) -> PathBuf {
        self.folder.path().join("mail/new")
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            terminate(&format!("-{}", daemon.id())); // its process group, deliveries included
            let _ = daemon.wait(); // a panic here would hide why a test failed
        }
    }
}

impl ReceivedMail {
    /// The headers in their order, folded lines joined, nothing decoded.
    pub fn headers(&self) -> Vec<(String, String)> {
        let text = String::from_utf8_lossy(&self.raw);
        let head = text.split("\r\n\r\n").next().unwrap_or_default().replace("\r\n ", " ").replace("\r\n\t", " ");
        head.lines()
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect()
    }

    /// The first header of this name, in whatever case.
    pub fn header(&self, name: &str) -> Option<String> {
        self.headers().into_iter().find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// What follows the headers, not decoded.
    pub fn body(&self) -> String {
        let text = String::from_utf8_lossy(&self.raw);
        text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default()
    }

    /// Takes a delivered file apart: the lines of [`ENVELOPE_LINES`], then the message.
    fn parse(file: &[u8]) -> ReceivedMail {
        let mut parts = file.splitn(ENVELOPE_LINES + 1, |byte| *byte == b'\n');
        let mut line = || String::from_utf8_lossy(parts.next().expect("a line of the envelope")).trim_end().to_owned();
        let (envelope_from, envelope_to, protocol, user) = (line(), line(), line(), line());
        let raw = parts.next().expect("a message after the envelope").to_vec();
        ReceivedMail { envelope_from, envelope_to, protocol, user: Some(user).filter(|user| !user.is_empty()), raw }
    }
}

const USER: &str = "fristd";
const PASSWORD: &str = "fuer-den-Test-gemacht";
const SILENCE_MAX: Duration = Duration::from_secs(10); // a delivery takes milliseconds; a busy machine gets its time
const IDLE_MAX: &str = "15m"; // a test that is killed cannot end its server; it then ends by itself
const ENVELOPE_LINES: usize = 4; // what `message_prefix` below writes before each message

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Security {
    Open,
    StartTls,
    Implicit,
}

/// Seconds, microseconds and what tells equals apart, from a name like `1795344359.M87654P1230.localhost`: not padded.
fn delivered_at(file: &Path) -> Vec<u64> {
    let name = file.file_name().expect("a delivered mail is a file").to_string_lossy();
    name.split(|letter: char| !letter.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect()
}

fn terminate(processes: &str) {
    // The exit code is no news: a connection may have ended by itself.
    let _ = Command::new("sh").args(["-c", &format!("kill -s TERM -- {processes}")]).stderr(Stdio::null()).status();
}

fn exim_binary() -> PathBuf {
    let unpacked = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-tools/usr/sbin/exim4");
    [unpacked, PathBuf::from("/usr/sbin/exim4")].into_iter().find(|path| path.is_file()).expect(
        "this test needs a mail server, Debian's package exim4-daemon-light; run tests/run, which fetches what is missing",
    )
}

fn configuration(folder: &Path, port: u16, security: Security, account: Account) -> String {
    let exim = exim_binary();
    let (exim, folder, Account { uid, gid, .. }) = (exim.display(), folder.display(), account);
    let tls_settings = match security {
        Security::Open => "tls_advertise_hosts =".to_owned(),
        Security::StartTls | Security::Implicit => format!(
            "tls_advertise_hosts = *\ntls_certificate = {folder}/server.pem\ntls_privatekey = {folder}/server.key\n\
             acl_smtp_mail = encrypted_with_login"
        ),
    };
    let on_connect =
        if security == Security::Implicit { format!("tls_on_connect_ports = {port}") } else { String::new() };
    format!(
        r#"# Whoever is exim_user may start the daemon; it never was root and has nothing to drop.
exim_user = {uid}
exim_group = {gid}
deliver_drop_privilege = true
exim_path = {exim}
spool_directory = {folder}/spool
log_file_path = {folder}/%s.log
primary_hostname = localhost
keep_environment =

# Nothing outside this machine is asked, no name is looked up.
rfc1413_hosts =
{tls_settings}
{on_connect}

# Nothing is put off because of many connections, many mails on one, or a full disk.
smtp_accept_max = 0
smtp_accept_max_per_connection = 0
smtp_accept_max_nonmail_hosts =
smtp_accept_queue_per_connection = 0
check_spool_space = 0
check_spool_inodes = 0

# The message is delivered as it came.
received_header_text =
return_path_remove = false
delivery_date_remove = false
envelope_to_remove = false
acl_smtp_rcpt = recipient

begin acl
encrypted_with_login:
  deny !encrypted = *
       message = 530 5.7.0 Must issue a STARTTLS command first
  deny !authenticated = *
       message = 530 5.7.0 Authentication required
  accept

recipient:
  warn control = dkim_disable_verify
  deny local_parts = {REFUSED}
       message = 550 5.1.1 no such mailbox
  defer local_parts = {DEFERRED}
        message = 451 4.3.0 try again later
  accept

begin routers
vanished:
  driver = redirect
  local_parts = {VANISHED}
  allow_fail
  data = :fail: no such mailbox here

everybody:
  driver = accept
  caseful_local_part = true
  transport = maildir

begin transports
maildir:
  driver = appendfile
  directory = {folder}/mail
  maildir_format
  create_directory = false
  use_crlf
  message_prefix = "$sender_address\n$original_local_part@$original_domain\n$received_protocol\n$authenticated_id\n"

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and {{{{eq{{$auth2}}{{{USER}}}}} {{eq{{$auth3}}{{{PASSWORD}}}}}}}}}
  server_set_id = $auth2
  server_advertise_condition = ${{if def:tls_in_cipher}}
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = ${{if and {{{{eq{{$auth1}}{{{USER}}}}} {{eq{{$auth2}}{{{PASSWORD}}}}}}}}}
  server_set_id = $auth1
  server_advertise_condition = ${{if def:tls_in_cipher}}
"#
    )
}
