//! IDX files, in which MNIST comes: images or labels of unsigned bytes.
//!
//! A file is two zero bytes, the type (8 for bytes), the number of dimensions,
//! each dimension as a big-endian 32-bit number, and the entries.

use std::path::Path;

use ndarray::Array2;

use super::{Dataset, Inputs, Labels, Task, Told};
use crate::checkpoint::{limited_read, sha256};
use crate::{Error, ErrorKind, Result};

/// Opens a file of images and the file of their labels.
///
/// # Errors
/// If a file is no IDX file of bytes, or they hold different numbers of samples.
pub fn open(images: &Path, labels: &Path) -> Result<Dataset> {
    let bytes = limited_read(images)?;
    let (inputs, classes) = (
        parse(images, &bytes)?,
        parse(labels, &limited_read(labels)?)?,
    );
    if inputs.nrows() != classes.len() {
        return Err(fault(
            labels,
            format!("{} labels for {} images", classes.len(), inputs.nrows()),
        ));
    }
    let input_shape = vec![inputs.ncols()];
    Ok(Dataset {
        path: images.to_owned(),
        sha256: sha256(&bytes),
        split: "all".into(),
        inputs: Inputs::Values(inputs.mapv(f64::from)),
        input_shape,
        labels: Some(Labels::Classes(
            classes.iter().map(|c| usize::from(*c)).collect(),
        )),
        corrupted: None,
        answers: None,
        foils: None,
        outputs: None,
        groups: None,
        positions: None,
        task: Task::default(),
        prompts: Vec::new(),
        told: Told::default(),
    })
}

/// The entries, `[samples, everything else]`.
fn parse(path: &Path, bytes: &[u8]) -> Result<Array2<u8>> {
    let [0, 0, 8, dimensions, rest @ ..] = bytes else {
        let detail = match bytes {
            [0x1f, 0x8b, ..] => "it is compressed; unpack it with gunzip".to_owned(),
            _ => "it does not begin as IDX files of bytes do (0, 0, 8)".to_owned(),
        };
        return Err(fault(path, detail));
    };
    let header = 4 * usize::from(*dimensions);
    let (sizes, entries) = rest
        .split_at_checked(header)
        .ok_or_else(|| fault(path, "it is cut short".into()))?;
    let size = |b: &[u8]| {
        b.iter()
            .fold(0_usize, |n, byte| n << 8 | usize::from(*byte))
    };
    let shape: Vec<usize> = sizes.chunks_exact(4).map(size).collect();
    let samples = shape.first().copied().unwrap_or(0);
    let each = shape
        .iter()
        .skip(1)
        .try_fold(1_usize, |n, d| n.checked_mul(*d));
    let fits = |each: &usize| samples > 0 && samples.checked_mul(*each) == Some(entries.len());
    let Some(each) = each.filter(fits) else {
        return Err(fault(
            path,
            format!(
                "its header says {shape:?}, and {} entries follow",
                entries.len()
            ),
        ));
    };
    Array2::from_shape_vec((samples, each), entries.to_vec())
        .map_err(|e| fault(path, e.to_string()))
}

fn fault(path: &Path, detail: String) -> Error {
    ErrorKind::Idx { detail }.at(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(shape: &[u8], entries: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, 8, shape.len() as u8];
        bytes.extend(shape.iter().flat_map(|d| [0, 0, 0, *d]));
        bytes.extend(entries);
        bytes
    }

    #[test]
    fn images_are_flattened_row_by_row() {
        let images = parse(Path::new("x"), &file(&[2, 1, 2], &[1, 2, 3, 4])).unwrap();
        assert_eq!(images, ndarray::array![[1, 2], [3, 4]]);
        assert_eq!(
            parse(Path::new("x"), &file(&[3], &[7, 8, 9]))
                .unwrap()
                .dim(),
            (3, 1)
        );
    }

    #[test]
    fn broken_files_are_refused() {
        let broken: [&[u8]; 5] = [
            b"",
            &[0, 0, 8, 3, 0],
            &[0, 0, 13, 1, 0, 0, 0, 0],
            &[0x1f, 0x8b, 8],
            &[0, 0, 8, 0],
        ];
        for bytes in broken {
            assert!(parse(Path::new("x"), bytes).is_err(), "{bytes:?}");
        }
        assert!(parse(Path::new("x"), &file(&[2, 2], &[1, 2, 3])).is_err());
        assert!(parse(Path::new("x"), &file(&[255, 255, 255, 255], &[1])).is_err());
    }

    #[test]
    fn images_and_labels_must_match() {
        let folder = tempfile::tempdir().unwrap();
        let (images, labels) = (folder.path().join("i"), folder.path().join("l"));
        std::fs::write(&images, file(&[2, 1], &[0, 255])).unwrap();
        std::fs::write(&labels, file(&[2], &[3, 4])).unwrap();
        let data = open(&images, &labels).unwrap();
        assert_eq!(data.labels, Some(Labels::Classes(vec![3, 4])));
        std::fs::write(&labels, file(&[3], &[3, 4, 5])).unwrap();
        assert!(matches!(
            open(&images, &labels),
            Err(Error {
                kind: ErrorKind::Idx { .. },
                ..
            })
        ));
    }
}
