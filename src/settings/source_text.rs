//! Reads a settings file into text. Never reads more than a bound, never guesses an encoding.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::complaint::{Report, Spot};

/// The largest file that is read; the longest list of contacts that makes sense is a hundredth of it.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// A file's text under the name by which complaints call it.
pub(super) struct SourceText {
    pub(super) name: String,
    pub(super) text: String,
    /// Where each line but the first starts.
    line_starts: Vec<usize>,
}

impl SourceText {
    pub(super) fn new(name: String, text: String) -> Self {
        let line_starts = text.match_indices('\n').map(|(offset, _)| offset + 1).collect();
        Self { name, text, line_starts }
    }

    /// The line, from 1, of a byte in the text.
    pub(super) fn line_at(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= offset) + 1
    }
}

/// The folder of `fristd.toml`, and what was read from it.
pub(super) struct Folder {
    path: PathBuf,
    pub(super) files: Vec<PathBuf>,
}

impl Folder {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, files: Vec::new() }
    }

    /// A path as settings give it: relative to this folder.
    pub(super) fn resolve(&self, path: impl AsRef<Path>) -> PathBuf {
        self.path.join(path)
    }

    /// How complaints call a path.
    pub(super) fn name_of(&self, path: &Path) -> String {
        path.strip_prefix(&self.path).unwrap_or(path).display().to_string()
    }

    /// Reads a file as text; what hinders that becomes a complaint with `remedy` for a missing one.
    pub(super) fn read(&mut self, path: &Path, remedy: &str, report: &Report) -> Option<SourceText> {
        let name = self.name_of(path);
        let read = read_text(path, remedy);
        self.files.push(path.to_owned());
        let spot = Spot::of_file(report, &name);
        let text = match read {
            Ok(text) => text,
            Err((line, message)) => {
                Spot { line, ..spot }.complain(message);
                return None;
            }
        };
        Some(SourceText::new(name, text))
    }
}

type ReadFailure = (Option<usize>, String);

fn read_text(path: &Path, remedy: &str) -> Result<String, ReadFailure> {
    let shown = path.display();
    let failure = |message: String| (None, message);
    let cannot = |error: std::io::Error| {
        let advice = if error.kind() == std::io::ErrorKind::NotFound { remedy } else { "make it readable for fristd" };
        (None, format!("cannot read {shown}: {error}; {advice}"))
    };
    let is_file = path.metadata().map_err(cannot)?.is_file();
    if !is_file {
        return Err(failure(format!("{shown} is no file; {remedy}"))); // reading a pipe could wait for ever
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)).map_err(cannot)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(failure(format!("{shown} is larger than {} MiB; is it the right file?", FILE_BYTES_MAX >> 20)));
    }
    let without_mark = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
    match std::str::from_utf8(without_mark) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => {
            let line = without_mark[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
            let byte = without_mark[error.valid_up_to()];
            let message = format!("byte 0x{byte:02x} is not UTF-8; save the file as UTF-8 (in Excel: 'CSV UTF-8')");
            Err((Some(line), message))
        }
    }
}
