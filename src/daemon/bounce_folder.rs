//! Takes what came back into a Maildir. Never loses a mail: one that was not taken stays where it is.

use std::io;
use std::path::{Path, PathBuf};

use crate::domain::bounce::Proof;
use crate::mail::RETURNED_BYTES_MAX;
use crate::mail::maildir::{self, Mark};
use crate::store::{Store, StoreError};

use super::Charter;
use super::bounce::{Taken, take_bounce};
use super::clock::Clock;

const FILES_A_ROUND_MAX: usize = 100; // reminders must not wait for a flood; the next round comes in seconds

/// Why a Maildir could not be taken to its end.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// A folder or file cannot be used.
    #[error("{path}: {cause}; a Maildir has the folders new, cur and tmp, which fristd must be able to read and write")]
    Folder {
        /// Which one.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes the mails that wait in `new`, in order, and moves each to `cur`: bounces as seen, what is none or proves nothing
/// as unread, what cannot be read as flagged. A mail whose notice is just being handed over stays. Ending between the two is harmless: a
/// message counts once. `watch` sees each with its file.
///
/// # Errors
/// If the Maildir or the store cannot be used; the rest stays in `new`.
pub async fn take_folder(
    store: &Store,
    charter: &Charter,
    folder: &Path,
    clock: &Clock,
    mut watch: impl FnMut(&Path, &Taken),
) -> Result<usize, FolderError> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |cause| FolderError::Folder { path, cause }
    };
    let folder = folder.to_owned();
    let listed = folder.clone();
    let files =
        blocking(move || maildir::waiting(&listed, FILES_A_ROUND_MAX)).await.map_err(at(&folder.join("new")))?;
    let mut count = 0;
    for file in files {
        let read = file.clone();
        let (taken, mark) = match blocking(move || maildir::read(&read, RETURNED_BYTES_MAX)).await {
            Ok(bytes) => {
                let taken = take_bounce(store, charter, &bytes, None, clock.now()).await?;
                let mark = match taken {
                    Taken::TooEarly => None,
                    Taken::Recorded(ref report) if matches!(report.proof, Proof::None(_)) => Some(Mark::Unread),
                    Taken::Recorded(_) | Taken::Known => Some(Mark::Seen),
                    Taken::NotABounce(_) | Taken::NotRecorded(_) => Some(Mark::Unread),
                    Taken::Unreadable(_) => Some(Mark::Flagged),
                };
                (Some(taken), mark)
            }
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => (None, None), // another reader was faster
            Err(cause) => {
                tracing::warn!(file = %file.display(), %cause, "a returned mail cannot be read; it is put away unread");
                (None, Some(Mark::Flagged))
            }
        };
        if let Some(taken) = &taken {
            count += 1;
            watch(&file, taken);
        }
        if let Some(mark) = mark {
            let (folder, moved) = (folder.clone(), file.clone());
            blocking(move || maildir::put_away(&folder, &moved, mark)).await.map_err(at(&file))?;
        }
    }
    Ok(count)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|cause| Err(io::Error::other(cause)))
}
