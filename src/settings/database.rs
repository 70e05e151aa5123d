//! Checks where the database is and how it is reached. Never connects to it, never shows a password.

use std::fmt;
use std::path::PathBuf;

use url::Url;

use super::complaint::Report;
use super::layers::Layers;
use super::smtp::{Secret, is_loopback, read_password};
use super::source_text::Folder;
use super::values::quoted;

const ACCEPTED: &str =
    "accepted: the path of an SQLite file, or postgres://USER@HOST/DATABASE with sslrootcert=FILE if need be";
/// Ways of TLS by which the server's certificate is checked; the first holds if the URL names none.
const CHECKED: [&str; 2] = ["verify-full", "verify-ca"];

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
    /// Reads what `database` in fristd.toml may say: the path of a file, or the URL of a server.
    ///
    /// # Errors
    /// What is wrong with it and what is accepted, without a password.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.starts_with("postgres://") || text.starts_with("postgresql://") {
            true => server_url(text).map(|url| Self::Server { url, password: None }),
            false => database_file(text).map(Self::File),
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
            Ok(match Database::parse(text)? {
                Database::File(file) => Database::File(folder.resolve(file)),
                Database::Server { url, .. } => Database::Server { url, password: password.clone() },
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
fn server_url(text: &str) -> Result<Secret, String> {
    let mut url = Url::parse(text).map_err(|cause| format!("is no URL: {cause}; {ACCEPTED}"))?;
    if url.path().trim_start_matches('/').is_empty() {
        return Err("names no database; write it behind the host: postgres://USER@HOST/DATABASE".to_owned());
    }
    let of = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let host = of("host").or_else(|| url.host_str().map(str::to_owned)).unwrap_or_default();
    let host = host.replace("%2F", "/");
    // without a host, or with a path as one, a socket of this machine is meant
    let is_local = host.is_empty() || host.starts_with('/') || is_loopback(host.trim_matches(['[', ']']));
    match of("sslmode").or_else(|| of("ssl-mode")) {
        Some(mode) if is_local || CHECKED.contains(&mode.as_str()) => {}
        None if is_local => {}
        None => {
            url.query_pairs_mut().append_pair("sslmode", CHECKED[0]);
        }
        Some(mode) => {
            return Err(format!(
                "sslmode={} does not check the certificate of {}; accepted: {}; leave it out for the first; without TLS \
                 only a server on this machine",
                quoted(&mode),
                quoted(&host),
                CHECKED.join(", ")
            ));
        }
    }
    Ok(Secret::new(String::from(url)))
}

fn database_file(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() {
        return Err("is no path; write one or leave the key out".to_owned());
    }
    if text.contains("://") || text.starts_with("sqlite:") {
        let scheme = text.split(':').next().unwrap_or_default();
        return Err(format!("{} is no path; {ACCEPTED}", quoted(&format!("{scheme}:"))));
    }
    Ok(PathBuf::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_elsewhere_must_show_a_certificate_that_is_checked() {
        let check = |text: &str, want: &str| match server_url(text) {
            Ok(url) => assert_eq!(url.expose(), want, "{text}"),
            Err(why) => panic!("{text}: {why}"),
        };
        check("postgres://u@db.example/f", "postgres://u@db.example/f?sslmode=verify-full");
        check("postgres://u@db.example/f?sslmode=verify-ca", "postgres://u@db.example/f?sslmode=verify-ca");
        check("postgres://u@127.0.0.1:5433/f", "postgres://u@127.0.0.1:5433/f");
        check("postgres://u@[::1]/f", "postgres://u@[::1]/f");
        check("postgres://u@localhost/f?sslmode=disable", "postgres://u@localhost/f?sslmode=disable");
        check("postgres:///f?host=/run/postgresql", "postgres:///f?host=/run/postgresql");
        check("postgres://localhost/f?host=db.example", "postgres://localhost/f?host=db.example&sslmode=verify-full");
    }

    #[test]
    fn a_refused_url_shows_no_password() {
        let check = |text: &str, want: &str| {
            let why = server_url(text).expect_err(text);
            assert!(why.contains(want), "{text}: {why}");
            assert!(!why.contains("geheim"), "{text}: {why}");
        };
        for mode in ["disable", "allow", "prefer", "require"] {
            check(&format!("postgres://u:geheim@db.example/f?sslmode={mode}"), "does not check the certificate");
        }
        check("postgres://u:geheim@db.example", "names no database");
        check("postgres://u:geheim@db.example:port/f", "is no URL");
    }
}
