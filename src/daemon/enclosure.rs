//! Makes the documents that go with a letter. Never keeps a mail back because of one of them.

use crate::documents::{DocumentError, DocumentFile, escalation};
use crate::domain::Letter;
use crate::mail::Attachment;

/// The documents that settings want with a letter, and why others could not be made. The letter then says whether something goes
/// with it: it says everything by itself (M1), and to wait for a document that will never be would lose it.
pub fn enclose(letter: &mut Letter) -> (Vec<Attachment>, Vec<DocumentError>) {
    let made = escalation::files(letter);
    take(letter, made)
}

fn take(letter: &mut Letter, made: Vec<Result<DocumentFile, DocumentError>>) -> (Vec<Attachment>, Vec<DocumentError>) {
    let (mut enclosed, mut failed) = (Vec::new(), Vec::new());
    for made in made {
        match made {
            Ok(DocumentFile { file_name, media_type, bytes }) => {
                enclosed.push(Attachment { file_name, media_type, bytes });
            }
            Err(cause) => failed.push(cause),
        }
    }
    letter.attachments = !enclosed.is_empty();
    (enclosed, failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::samples;

    #[test]
    fn a_document_that_cannot_be_made_keeps_neither_the_mail_nor_the_other_document_back() {
        let good = || Ok(DocumentFile { file_name: "a.pdf".into(), media_type: "application/pdf", bytes: vec![1] });
        let bad = || Err(DocumentError::Pdf("no".into()));
        let check = |label: &str, made: Vec<Result<DocumentFile, DocumentError>>, want: (usize, usize, bool)| {
            let mut letter = Letter { attachments: true, ..samples::letters().swap_remove(0) };
            let (enclosed, failed) = take(&mut letter, made);
            assert_eq!((enclosed.len(), failed.len(), letter.attachments), want, "{label}");
        };
        check("both", vec![good(), good()], (2, 0, true));
        check("one of two", vec![bad(), good()], (1, 1, true));
        check("none of two", vec![bad(), bad()], (0, 2, false));
        check("none wanted", vec![], (0, 0, false));
    }
}
