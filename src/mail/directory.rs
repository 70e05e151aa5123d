//! Writes mails as `.eml` files into a folder. Never writes outside it, never leaves half a mail under its name.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::message::sha256_hex;
use super::transport::{OutgoingMail, Transport, reply_text};
use crate::domain::delivery::Reply;

const STEM_BYTES_MAX: usize = 120; // file systems end at 255; the rest is room for suffixes
const HEADER_BYTES_MAX: u64 = 64 * 1024; // the Message-ID of a mail that was written here stands within the first 2 KiB
const HASH_DIGITS: usize = 16;

/// A folder as mail system: `<file_stem>.eml` for each mail.
#[derive(Clone, Debug)]
pub struct DirectoryTransport {
    folder: PathBuf,
    prepared: Option<Prepared>,
}

#[derive(Clone, Debug)]
struct Prepared {
    message_id: String,
    temporary: PathBuf,
    target: PathBuf,
}

impl DirectoryTransport {
    /// A transport into the folder, which is made when the first mail is prepared.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), prepared: None }
    }
}

impl Transport for DirectoryTransport {
    /// Writes the mail under a temporary name and waits until the disk has it.
    async fn prepare(&mut self, mail: &OutgoingMail) -> Result<(), Reply> {
        self.prepared = None;
        let (folder, mail) = (self.folder.clone(), mail.clone());
        let prepared =
            blocking(move || write_temporary(&folder, &mail)).await.map_err(|text| Reply::NoRelay { text })?;
        self.prepared = Some(prepared);
        Ok(())
    }

    /// Gives the file its name; that is the hand-over.
    async fn complete(&mut self, mail: &OutgoingMail) -> Reply {
        match self.prepared.take() {
            Some(prepared) if prepared.message_id == mail.message_id => {
                let folder = self.folder.clone();
                blocking(move || Ok(give_name(&folder, &prepared))).await.unwrap_or_else(|text| Reply::Broken { text })
            }
            _ => Reply::NoRelay { text: format!("mail {} was not prepared", mail.message_id) },
        }
    }

    fn sibling(&self) -> Self {
        Self::new(&self.folder)
    }

    async fn close(&mut self) {
        if let Some(prepared) = self.prepared.take() {
            // best effort: the next mail of this name overwrites it
            let _ = blocking(move || fs::remove_file(prepared.temporary).map_err(|error| error.to_string())).await;
        }
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, String> + Send + 'static) -> Result<T, String> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(format!("the thread that writes files ended: {error}")),
    }
}

fn write_temporary(folder: &Path, mail: &OutgoingMail) -> Result<Prepared, String> {
    fs::create_dir_all(folder).map_err(|error| at("make folder", folder, &error))?;
    let target = target(folder, mail);
    let temporary = target.with_extension("eml.part");
    write_and_sync(&temporary, &mail.bytes).map_err(|error| {
        let _ = fs::remove_file(&temporary); // half a file helps nobody, and the disk may be full
        at("write", &temporary, &error)
    })?;
    Ok(Prepared { message_id: mail.message_id.clone(), temporary, target })
}

fn write_and_sync(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?; // never follows a link
    file.write_all(bytes)?;
    file.sync_all()
}

fn give_name(folder: &Path, prepared: &Prepared) -> Reply {
    if let Err(error) = fs::rename(&prepared.temporary, &prepared.target) {
        return Reply::NoRelay { text: at("rename to", &prepared.target, &error) };
    }
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        Ok(()) => Reply::Accepted { text: reply_text(&format!("written to {}", prepared.target.display())) },
        Err(error) => Reply::Broken { text: at("sync folder", folder, &error) },
    }
}

/// The file of this mail: its own name, or with a hash if another mail has that name already.
fn target(folder: &Path, mail: &OutgoingMail) -> PathBuf {
    let stem = plain_stem(&mail.file_stem);
    let path = folder.join(format!("{stem}.eml"));
    if !path.exists() || is_of(&path, &mail.message_id) {
        return path;
    }
    folder.join(format!("{stem}-{}.eml", &sha256_hex(mail.message_id.as_bytes())[..HASH_DIGITS]))
}

/// A name that stays in the folder and is the same on every system. One that had to be changed ends in a hash of what it
/// was, so that two names do not become one.
fn plain_stem(stem: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._@+-".contains(c);
    let plain: String = stem.chars().map(|c| if is_plain(c) { c } else { '_' }).take(STEM_BYTES_MAX).collect();
    let plain = plain.trim_start_matches(['.', '-']); // no hidden file, no option, no parent folder
    if plain == stem && !plain.is_empty() {
        return plain.to_owned();
    }
    format!("{}_{}", if plain.is_empty() { "mail" } else { plain }, &sha256_hex(stem.as_bytes())[..HASH_DIGITS])
}

fn is_of(path: &Path, message_id: &str) -> bool {
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(HEADER_BYTES_MAX).read_to_end(&mut head));
    let header = format!("Message-ID: {message_id}\r\n");
    read.is_ok() && head.windows(header.len()).any(|window| window == header.as_bytes())
}

fn at(what: &str, path: &Path, error: &io::Error) -> String {
    reply_text(&format!("{what} {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Mailbox;

    fn mail(file_stem: &str, id: &str) -> OutgoingMail {
        OutgoingMail {
            mailbox: Mailbox::parse("abh@musterau.example").unwrap(),
            envelope_from: Mailbox::parse("frist@zrk.example").unwrap(),
            message_id: id.into(),
            file_stem: file_stem.into(),
            bytes: format!("Message-ID: {id}\r\n\r\nHallo\r\n").into_bytes(),
        }
    }

    async fn send(transport: &mut DirectoryTransport, mail: &OutgoingMail) -> Reply {
        match transport.prepare(mail).await {
            Ok(()) => transport.complete(mail).await,
            Err(reply) => reply,
        }
    }

    fn files(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn a_mail_has_its_name_only_when_it_is_complete() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("a/b");
        let mut transport = DirectoryTransport::new(&out);
        let mail = mail("2026-12-planning", "<1@zrk.example>");
        transport.prepare(&mail).await.unwrap();
        assert_eq!(files(&out), ["2026-12-planning.eml.part"]);
        let reply = transport.complete(&mail).await;
        assert!(matches!(&reply, Reply::Accepted { text } if text.ends_with("2026-12-planning.eml")), "{reply:?}");
        assert_eq!(files(&out), ["2026-12-planning.eml"]);
        assert_eq!(fs::read(out.join("2026-12-planning.eml")).unwrap(), mail.bytes);
    }

    #[tokio::test]
    async fn the_same_mail_overwrites_its_file_and_another_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let mut transport = DirectoryTransport::new(folder.path());
        for id in ["<1@zrk.example>", "<1@zrk.example>", "<2@zrk.example>", "<2@zrk.example>"] {
            assert!(matches!(send(&mut transport, &mail("same", id)).await, Reply::Accepted { .. }));
        }
        assert_eq!(files(folder.path()).len(), 2, "{:?}", files(folder.path()));
        assert_eq!(fs::read(folder.path().join("same.eml")).unwrap(), mail("same", "<1@zrk.example>").bytes);
    }

    #[tokio::test]
    async fn no_name_leaves_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let mut transport = DirectoryTransport::new(&out);
        let stems =
            ["../escape", "/etc/passwd", "..", "", ".hidden", "-rf", "a/b", "a\0b", "Köln", &"x".repeat(500), "a_b"];
        for (number, stem) in stems.iter().enumerate() {
            let reply = send(&mut transport, &mail(stem, &format!("<{number}@zrk.example>"))).await;
            assert!(matches!(reply, Reply::Accepted { .. }), "{stem:?}: {reply:?}");
        }
        let names = files(&out);
        assert_eq!(names.len(), stems.len(), "{names:?}");
        for name in names {
            assert!(
                name.len() <= 200
                    && name.ends_with(".eml")
                    && name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_'),
                "{name}"
            );
        }
        assert_eq!(files(folder.path()), ["out"]);
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_made_is_no_relay_with_path_and_cause() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "x").unwrap();
        let mut transport = DirectoryTransport::new(file.join("out"));
        let reply = transport.prepare(&mail("a", "<1@zrk.example>")).await.unwrap_err();
        assert!(matches!(&reply, Reply::NoRelay { text } if text.contains("file/out: ")), "{reply:?}");
    }

    #[tokio::test]
    async fn what_was_not_prepared_is_not_handed_over() {
        let folder = tempfile::tempdir().unwrap();
        let mut transport = DirectoryTransport::new(folder.path());
        transport.prepare(&mail("a", "<1@zrk.example>")).await.unwrap();
        let reply = transport.complete(&mail("b", "<2@zrk.example>")).await;
        assert!(matches!(reply, Reply::NoRelay { .. }), "{reply:?}");
        assert_eq!(files(folder.path()), ["a.eml.part"]);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_link_in_the_folder_is_replaced_and_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let victim = folder.path().join("victim");
        fs::write(&victim, "keep").unwrap();
        let out = folder.path().join("out");
        fs::create_dir(&out).unwrap();
        std::os::unix::fs::symlink(&victim, out.join("a.eml.part")).unwrap();
        let mut transport = DirectoryTransport::new(&out);
        assert!(matches!(send(&mut transport, &mail("a", "<1@zrk.example>")).await, Reply::Accepted { .. }));
        assert_eq!(fs::read_to_string(&victim).unwrap(), "keep");
    }
}
