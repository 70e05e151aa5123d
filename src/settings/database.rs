//! Checks where the database is and how it is reached. Never connects to it, never shows a password.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};

use url::{Host, Url};

use super::complaint::Report;
use super::layers::Layers;
use super::smtp::{Secret, is_loopback, read_password};
use super::source_text::Folder;
use super::values::quoted;

const ACCEPTED: &str =
    "accepted: the path of an SQLite file, or postgres://USER@HOST/DATABASE with sslrootcert=FILE if need be";
/// Ways of TLS by which the server's certificate is checked; the first holds if the URL names none.
const CHECKED: [&str; 2] = ["verify-full", "verify-ca"];

/// All ways, for a server on this machine.
const MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-full", "verify-ca"];

/// A parameter of the URL.
struct Parameter {
    key: String,
    value: String,
    means: Means,
}

impl Parameter {
    fn new(key: &str, value: String, means: Means) -> Self {
        Self { key: key.to_owned(), value, means }
    }
}

/// What a parameter of the URL is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Means {
    Host,
    Mode,
    File,
    Other,
}

/// The parameters that the driver knows, each by all its names. It passes over others with a line in the log.
const PARAMETERS: [(&[&str], Means); 12] = [
    (&["sslmode", "ssl-mode"], Means::Mode),
    (&["sslrootcert", "ssl-root-cert", "ssl-ca"], Means::File),
    (&["sslcert", "ssl-cert"], Means::File),
    (&["sslkey", "ssl-key"], Means::File),
    (&["host"], Means::Host),
    (&["hostaddr"], Means::Host),
    (&["port"], Means::Other),
    (&["dbname"], Means::Other),
    (&["user"], Means::Other),
    (&["password"], Means::Other),
    (&["application_name"], Means::Other),
    (&["options"], Means::Other),
];

/// Where the service keeps what it knows.
#[derive(Clone, PartialEq, Eq)]
pub enum Database {
    /// A SQLite file.
    File(PathBuf),
    /// A PostgreSQL database.
    Server {
        /// Its URL; may hold a password.
        url: Secret,
        /// The password that is kept elsewhere.
        password: Option<Secret>,
    },
}

impl Database {
    /// Reads what `database` in fristd.toml may say: the path of a file, or the URL of a server. `resolve` makes a file's path one that can
    /// be opened.
    ///
    /// # Errors
    /// What is wrong with it and what is accepted, without a password.
    pub fn parse(text: &str, resolve: impl Fn(&Path) -> PathBuf) -> Result<Self, String> {
        match text.starts_with("postgres://") || text.starts_with("postgresql://") {
            true => server_url(text, resolve).map(|url| Self::Server { url, password: None }),
            false => database_file(text).map(|file| Self::File(resolve(Path::new(file)))),
        }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "File({})", path.display()),
            Self::Server { .. } => f.write_str("Server(…)"),
        }
    }
}

/// Reads the keys of the database; `None` after a complaint.
pub(super) fn read(
    layers: &Layers,
    folder: &mut Folder,
    data_dir: Option<&PathBuf>,
    report: &Report,
) -> Option<Database> {
    let keys = ("database_password", "database_password_file");
    let has_password = layers.is_in_environment(keys.0) || layers.is_set(keys.1);
    let password = read_password(layers, folder, report, keys);
    let database = match layers.text("database") {
        Some(database) => database.accept(|text| {
            Ok(match Database::parse(text, |path| folder.resolve(path))? {
                Database::Server { url, .. } => Database::Server { url, password: password.clone() },
                file => file,
            })
        }),
        None => data_dir.map(|data| Database::File(data.join("fristd.sqlite"))),
    };
    if let (Some(Database::File(_)), true) = (&database, has_password) {
        let key = if layers.is_set(keys.1) { keys.1 } else { keys.0 };
        layers.spot(key).complain("a password for an SQLite file; leave it out, or name a server in `database`");
        return None;
    }
    if has_password && password.is_none() {
        return None;
    }
    database
}

/// The URL with a certificate check, unless the server is this machine. The value may hold a password: no complaint shows it.
fn server_url(text: &str, resolve: impl Fn(&Path) -> PathBuf) -> Result<Secret, String> {
    let mut url = Url::parse(text).map_err(|cause| format!("is no URL: {cause}; {ACCEPTED}"))?;
    if url.path().trim_start_matches('/').is_empty() {
        return Err("names no database; write it behind the host: postgres://USER@HOST/DATABASE".to_owned());
    }
    let mut parameters =
        url.query_pairs().map(|(key, value)| parameter(&key, &value, &resolve)).collect::<Result<Vec<_>, _>>()?;
    let host = url.host_str().unwrap_or_default().replace("%2F", "/");
    let has_host = parameters.iter().any(|parameter| parameter.means == Means::Host);
    if host.is_empty() && !has_host {
        // the driver would take PGHOST, unchecked, or a socket that anybody may have put into /tmp
        return Err("names no server; write postgres://USER@HOST/DATABASE, or for a socket of this machine \
                    postgres:///DATABASE?host=/run/postgresql"
            .to_owned());
    }
    // the driver takes one of several, whichever: each must do
    let of =
        |means| parameters.iter().filter(move |parameter| parameter.means == means).map(|parameter| &*parameter.value);
    let hosts = std::iter::once(host.trim_matches(['[', ']'])).chain(of(Means::Host));
    if must_add_mode(hosts, of(Means::Mode).collect())? {
        parameters.push(Parameter::new("sslmode", CHECKED[0].to_owned(), Means::Mode));
    }
    if let Some(Host::Ipv6(address)) = url.host()
        && !has_host
    {
        // the driver would look for a name with brackets
        parameters.push(Parameter::new("host", address.to_string(), Means::Host));
    }
    url.set_query(None);
    if !parameters.is_empty() {
        url.query_pairs_mut().extend_pairs(parameters.iter().map(|parameter| (&parameter.key, &parameter.value)));
    }
    Ok(Secret::new(String::from(url)))
}

/// A parameter that the driver knows; a file's with a path that can be opened.
fn parameter(key: &str, value: &str, resolve: &impl Fn(&Path) -> PathBuf) -> Result<Parameter, String> {
    let Some((_, means)) = PARAMETERS.iter().find(|(names, _)| names.contains(&key)) else {
        let known: Vec<&str> = PARAMETERS.iter().map(|(names, _)| names[0]).collect();
        return Err(format!("the parameter {} is not known; accepted: {}", quoted(key), known.join(", ")));
    };
    if *means != Means::File {
        return Ok(Parameter::new(key, value.to_owned(), *means));
    }
    let file = resolve(Path::new(value));
    File::open(&file).map_err(|cause| format!("{key}: {}: {cause}; accepted: a PEM file", file.display()))?;
    let path = file.to_str().ok_or_else(|| format!("{key}: the path is not UTF-8"))?;
    Ok(Parameter::new(key, path.to_owned(), Means::File))
}

/// Whether the way of TLS must be added, because none is named for a server that is not this machine.
fn must_add_mode<'a>(mut hosts: impl Iterator<Item = &'a str>, modes: Vec<&str>) -> Result<bool, String> {
    // a path as host, in its place or as a parameter, is a socket of this machine
    let elsewhere = hosts.find(|host| !host.is_empty() && !host.starts_with('/') && !is_loopback(host));
    let accepted: &[&str] = if elsewhere.is_some() { &CHECKED } else { &MODES };
    let Some(refused) = modes.iter().find(|mode| !accepted.contains(mode)) else {
        return Ok(elsewhere.is_some() && modes.is_empty());
    };
    Err(match elsewhere.filter(|_| MODES.contains(refused)) {
        Some(host) => format!(
            "sslmode={} does not check the certificate of {}; accepted: {}; leave it out for the first; without TLS only a \
             server on this machine",
            quoted(refused),
            quoted(host),
            CHECKED.join(", ")
        ),
        None => format!("sslmode={} is not known; accepted: {}", quoted(refused), accepted.join(", ")),
    })
}

fn database_file(text: &str) -> Result<&str, String> {
    if text.is_empty() {
        return Err("is no path; write one or leave the key out".to_owned());
    }
    // also one that was meant to be a URL: a file of that name would be a second database that nobody looks for
    let start = text.split(['/', '\\']).next().unwrap_or_default();
    let scheme = start.split(':').next().unwrap_or_default();
    let is_scheme = ["postgres", "postgresql", "sqlite", "file"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    if text.contains("://") || (is_scheme && (start.contains(':') || text[start.len()..].starts_with("//"))) {
        return Err(format!("{} is no path; {ACCEPTED}", quoted(&format!("{scheme}:"))));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_elsewhere_must_show_a_certificate_that_is_checked() {
        let check = |text: &str, want: &str| match server_url(text, Path::to_path_buf) {
            Ok(url) => assert_eq!(url.expose(), want, "{text}"),
            Err(why) => panic!("{text}: {why}"),
        };
        check("postgres://u@db.example/f", "postgres://u@db.example/f?sslmode=verify-full");
        check("postgres://u@db.example/f?sslmode=verify-ca", "postgres://u@db.example/f?sslmode=verify-ca");
        check("postgres://u@127.0.0.1:5433/f", "postgres://u@127.0.0.1:5433/f");
        check("postgres://u@[::1]/f", "postgres://u@[::1]/f?host=%3A%3A1");
        check(
            "postgres://u@[2001:db8::1]/f",
            "postgres://u@[2001:db8::1]/f?sslmode=verify-full&host=2001%3Adb8%3A%3A1",
        );
        check("postgres://u@localhost/f?sslmode=disable", "postgres://u@localhost/f?sslmode=disable");
        check("postgres:///f?host=/run/postgresql", "postgres:///f?host=%2Frun%2Fpostgresql");
        check("postgres://localhost/f?host=db.example", "postgres://localhost/f?host=db.example&sslmode=verify-full");
        check(
            "postgres://localhost/f?hostaddr=192.0.2.2",
            "postgres://localhost/f?hostaddr=192.0.2.2&sslmode=verify-full",
        );
    }

    #[test]
    fn a_refused_url_shows_no_password() {
        let check = |text: &str, want: &str| {
            let why = server_url(text, Path::to_path_buf).expect_err(text);
            assert!(why.contains(want), "{text}: {why}");
            assert!(!why.contains("geheim"), "{text}: {why}");
        };
        for mode in ["disable", "allow", "prefer", "require"] {
            check(&format!("postgres://u:geheim@db.example/f?sslmode={mode}"), "does not check the certificate");
        }
        check("postgres://u:geheim@localhost/f?hostaddr=192.0.2.2&sslmode=disable", "certificate of \"192.0.2.2\"");
        check("postgres://u:geheim@db.example/f?sslmode=verify-full&sslmode=disable", "does not check the certificate");
        check("postgres://u:geheim@db.example/f?host=localhost&sslmode=disable", "does not check the certificate");
        check("postgres://u:geheim@localhost/f?sslmode=foo", "\"foo\" is not known; accepted: disable, ");
        check(
            "postgres://u:geheim@localhost/f?sslrootcrt=a",
            "the parameter \"sslrootcrt\" is not known; accepted: sslmode, ",
        );
        check("postgres://u:geheim@localhost/f?sslrootcert=/nowhere.pem", "sslrootcert: /nowhere.pem: ");
        check("postgres://u:geheim@db.example", "names no database");
        check("postgres:///f?user=u&password=geheim", "names no server; ");
        check("postgres://u:geheim@db.example:port/f", "is no URL");
    }

    #[test]
    fn what_was_meant_to_be_a_url_is_no_file() {
        for text in
            ["postgres:/fristd", "postgres//u@db/f", "Postgres://db/f", "file:x.sqlite", "sqlite:x", "mysql://db/f"]
        {
            let why = Database::parse(text, Path::to_path_buf).expect_err(text);
            assert!(why.contains("is no path"), "{text}: {why}");
        }
        for text in
            ["data/fristd.sqlite", "/var/lib/fristd.sqlite", "postgres", "file", "postgres/fristd.sqlite", "c:x"]
        {
            assert_eq!(Database::parse(text, Path::to_path_buf).ok(), Some(Database::File(text.into())), "{text}");
        }
    }
}
