//! Makes the documents that go with a letter. Never keeps a mail back because of one of them.

use crate::documents::{DocumentError, DocumentFile, escalation};
use crate::domain::Letter;
use crate::mail::Attachment;

/// The documents that settings want with a letter, and why others could not be made. The letter then says what goes with
/// it: it says everything by itself (M1), and to wait for a document that will never be would lose it.
pub fn enclose(letter: &mut Letter) -> (Vec<Attachment>, Vec<DocumentError>) {
    let made = escalation::files(letter);
    take(letter, made)
}

fn take(letter: &mut Letter, made: Vec<Result<DocumentFile, DocumentError>>) -> (Vec<Attachment>, Vec<DocumentError>) {
    let (mut enclosed, mut failed) = (Vec::new(), Vec::new());
    letter.attachments.clear();
    for made in made {
        match made {
            Ok(DocumentFile { format, file_name, media_type, bytes }) => {
                letter.attachments.push(format);
                enclosed.push(Attachment { file_name, media_type, bytes });
            }
            Err(cause) => failed.push(cause),
        }
    }
    (enclosed, failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::rulebook::DocumentFormat;
    use crate::mail::samples;

    #[test]
    fn a_document_that_cannot_be_made_keeps_neither_the_mail_nor_the_other_document_back() {
        use DocumentFormat::{Pdf, Xlsx};
        let good = |format| {
            Ok(DocumentFile { format, file_name: "a.pdf".into(), media_type: "application/pdf", bytes: vec![1] })
        };
        let bad = || Err(DocumentError::Pdf("no".into()));
        let check = |label: &str, made: Vec<Result<DocumentFile, DocumentError>>, want: (&[_], usize)| {
            let attachments = vec![Pdf, Xlsx];
            let mut letter = Letter { attachments, ..samples::letters().swap_remove(0) };
            let (enclosed, failed) = take(&mut letter, made);
            assert_eq!((&*letter.attachments, failed.len(), enclosed.len()), (want.0, want.1, want.0.len()), "{label}");
        };
        check("both", vec![good(Pdf), good(Xlsx)], (&[Pdf, Xlsx], 0));
        check("one of two", vec![bad(), good(Xlsx)], (&[Xlsx], 1));
        check("none of two", vec![bad(), bad()], (&[], 2));
        check("none wanted", vec![], (&[], 0));
    }
}
