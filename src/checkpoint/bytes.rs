//! The bytes of tensors: owned, or a part of a file that is mapped into memory.
//!
//! A mapped file takes address space and no memory of its own: a network of several
//! gigabytes is held once, as the numbers that were decoded from it.

use std::fmt;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::ops::{Deref, Range};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use memmap2::Mmap;
use sha2::{Digest as _, Sha256};

use super::disk::{limited_read, read_error};
use super::hash::{hexadecimal, sha256};
use crate::Result;

/// Bytes that are shared until they are changed.
#[derive(Clone)]
pub struct Bytes(Inner);

#[derive(Clone)]
enum Inner {
    Owned(Vec<u8>),
    Part(Arc<Source>, Range<usize>),
}

/// What parts are parts of.
enum Source {
    /// A file in memory, and the file.
    Mapped(Mmap, File),
    /// Bytes that were read or embedded.
    Read(Vec<u8>),
    /// Bytes that lie with someone else.
    Owner(Box<dyn AsRef<[u8]> + Send + Sync>),
}

impl Source {
    fn all(&self) -> &[u8] {
        match self {
            Self::Mapped(map, _) => map,
            Self::Read(bytes) => bytes,
            Self::Owner(owner) => (**owner).as_ref(),
        }
    }
}

impl Bytes {
    /// All bytes of a file: mapped where it is a regular file, else read.
    ///
    /// # Errors
    /// If the system does not let us, or a stream is longer than memory should hold.
    pub fn of_file(path: &Path) -> Result<Self> {
        let failed = |source| read_error(path, source);
        let file = File::open(path).map_err(failed)?;
        let about = file.metadata().map_err(failed)?;
        if about.is_dir() {
            return Err(failed(std::io::Error::from(
                std::io::ErrorKind::IsADirectory,
            )));
        }
        if !about.is_file() || about.len() == 0 {
            return Ok(Self::shared(limited_read(path)?));
        }
        let map = map(&file).map_err(failed)?;
        let range = 0..map.len();
        let source = Arc::new(Source::Mapped(map, file));
        Ok(Self(Inner::Part(source, range)))
    }

    /// Bytes whose parts are shared with them.
    #[must_use]
    pub fn shared(bytes: Vec<u8>) -> Self {
        let range = 0..bytes.len();
        Self(Inner::Part(Arc::new(Source::Read(bytes)), range))
    }

    /// Bytes that lie with someone else, who keeps them as they are: none is copied.
    #[must_use]
    pub fn from_owner(owner: impl AsRef<[u8]> + Send + Sync + 'static) -> Self {
        let range = 0..owner.as_ref().len();
        Self(Inner::Part(Arc::new(Source::Owner(Box::new(owner))), range))
    }

    /// A part of them, without a copy but of bytes of one's own; `None` beyond their end.
    #[must_use]
    pub fn part(&self, range: Range<usize>) -> Option<Self> {
        let found = self.get(range.clone())?;
        Some(match &self.0 {
            Inner::Owned(_) => found.to_vec().into(),
            Inner::Part(source, all) => {
                let range = all.start + range.start..all.start + range.end;
                Self(Inner::Part(Arc::clone(source), range))
            }
        })
    }

    /// Bytes of one's own to change.
    pub fn to_mut(&mut self) -> &mut Vec<u8> {
        if let Inner::Part(..) = self.0 {
            self.0 = Inner::Owned(self.to_vec());
        }
        match &mut self.0 {
            Inner::Owned(bytes) => bytes,
            Inner::Part(..) => unreachable!("they were copied above"),
        }
    }

    /// The bytes in pieces of whole numbers. Of a mapped file, a piece leaves memory when
    /// the next one is asked for: what was read stands elsewhere then.
    pub fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        const PIECE: usize = 1 << 20;
        let length = self.len();
        let pieces = (0..length).step_by(PIECE).map(move |start| {
            self.let_go(start.saturating_sub(PIECE)..start);
            &self[start..length.min(start + PIECE)]
        });
        pieces.chain(std::iter::from_fn(move || {
            self.let_go(0..length);
            None
        }))
    }

    /// Lets go of what is in memory of these bytes of a mapped file.
    fn let_go(&self, range: Range<usize>) {
        let Inner::Part(source, all) = &self.0 else {
            return;
        };
        if let Source::Mapped(map, _) = &**source {
            let_go(map, all.start + range.start..all.start + range.end);
        }
    }

    /// SHA-256 in hexadecimal. A file's is read again in pieces, so that hashing
    /// keeps none of it in memory.
    ///
    /// # Errors
    /// If the file cannot be read any more.
    pub fn sha256(&self) -> std::io::Result<String> {
        const PIECE: usize = 1 << 20;
        let Inner::Part(source, range) = &self.0 else {
            return Ok(sha256(self));
        };
        let Source::Mapped(_, file) = &**source else {
            return Ok(sha256(self));
        };
        let mut file = file;
        file.seek(SeekFrom::Start(range.start as u64))?;
        let mut rest = file.take(range.len() as u64);
        let (mut hash, mut piece) = (Sha256::new(), vec![0; PIECE]);
        loop {
            match rest.read(&mut piece)? {
                0 => return Ok(hexadecimal(&hash.finalize())),
                count => hash.update(&piece[..count]),
            }
        }
    }
}

/// Maps a file for reading.
///
/// What is assumed: nobody changes or shortens the file while the program runs. The
/// program itself never writes into a file that is there: it writes another beside it
/// and renames that, which leaves a map as it was. Another process that does write
/// into it changes numbers under our eyes, or ends us by a signal where it shortens
/// the file; so it is with every program that maps safetensors, the reference
/// implementation among them. Only plain bytes are read through the map, never
/// references or lengths after they were checked: of a changed file, numbers may be
/// wrong, and no index leaves the map.
#[allow(
    unsafe_code,
    reason = "a map is as sound as the file is left alone: see above"
)]
fn map(file: &File) -> std::io::Result<Mmap> {
    // SAFETY: the file is open for reading, the map lives as long as the handle
    // beside it, and that the file is left alone is assumed as written above.
    unsafe { Mmap::map(file) }
}

/// Lets pages of a map leave memory; a page is read again when it is looked at again.
#[cfg(unix)]
#[allow(
    unsafe_code,
    reason = "letting go of pages is only unsafe where they were written to: see below"
)]
fn let_go(map: &Mmap, range: Range<usize>) {
    let advice = memmap2::UncheckedAdvice::DontNeed;
    // SAFETY: the map is of a file and was never written to: pages that come back are
    // those of the file, the same bytes. That it cannot be done costs memory alone.
    let _ = unsafe { map.unchecked_advise_range(advice, range.start, range.len()) };
}

#[cfg(not(unix))]
fn let_go(_: &Mmap, _: Range<usize>) {}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Inner::Owned(bytes) => bytes,
            Inner::Part(source, range) => &source.all()[range.clone()],
        }
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Inner::Owned(bytes))
    }
}

impl FromIterator<u8> for Bytes {
    fn from_iter<I: IntoIterator<Item = u8>>(bytes: I) -> Self {
        Self(Inner::Owned(bytes.into_iter().collect()))
    }
}

impl PartialEq for Bytes {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Bytes {}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.len())
    }
}

/// The SHA-256 of a checkpoint, computed when it is first asked for.
#[derive(Debug, Clone, Default)]
pub struct Sum {
    files: Vec<(String, Bytes)>,
    known: Arc<OnceLock<String>>,
}

impl Sum {
    /// Of one file.
    #[must_use]
    pub fn of(bytes: Bytes) -> Self {
        Self::of_files(vec![(String::new(), bytes)])
    }

    /// Of what `sha256sum` prints for files of these names; of one, its own.
    #[must_use]
    pub fn of_files(files: Vec<(String, Bytes)>) -> Self {
        let known = Arc::default();
        Self { files, known }
    }

    /// In hexadecimal.
    ///
    /// # Errors
    /// If a file cannot be read any more.
    pub fn compute(&self) -> std::io::Result<String> {
        if let Some(known) = self.known.get() {
            return Ok(known.clone());
        }
        let sum = match self.files.as_slice() {
            [] => String::new(),
            [(_, one)] => one.sha256()?,
            several => {
                let line =
                    |(name, bytes): &(String, Bytes)| Ok(format!("{}  {name}\n", bytes.sha256()?));
                let lines: std::io::Result<String> = several.iter().map(line).collect();
                sha256(lines?.as_bytes())
            }
        };
        Ok(self.known.get_or_init(|| sum).clone())
    }

    /// How many bytes would be read.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|(_, bytes)| bytes.len() as u64).sum()
    }
}

impl From<String> for Sum {
    fn from(known: String) -> Self {
        Self {
            files: Vec::new(),
            known: Arc::new(OnceLock::from(known)),
        }
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.compute() {
            Ok(sum) => f.write_str(&sum),
            Err(error) => write!(f, "unknown: {error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapped_file_is_its_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        std::fs::write(&path, b"abcdef").unwrap();
        let bytes = Bytes::of_file(&path).unwrap();
        assert_eq!(&*bytes, b"abcdef");
        let mut part = bytes.part(2..4).unwrap();
        assert_eq!(part.part(1..2).as_deref(), Some(&b"d"[..]));
        assert!(bytes.part(3..7).is_none());
        part.to_mut()[0] = b'x';
        assert_eq!((&*part, &*bytes), (&b"xd"[..], &b"abcdef"[..]));
        assert_eq!(bytes.sha256().unwrap(), sha256(b"abcdef"));
        assert_eq!(bytes.part(2..4).unwrap().sha256().unwrap(), sha256(b"cd"));
    }

    #[test]
    fn bytes_of_an_owner_are_not_copied() {
        let owner: Arc<[u8]> = Arc::from(&b"abcdef"[..]);
        let bytes = Bytes::from_owner(Arc::clone(&owner));
        assert_eq!(bytes.as_ptr(), owner.as_ptr());
        assert_eq!(bytes.part(2..4).as_deref(), Some(&b"cd"[..]));
        assert_eq!(bytes.sha256().unwrap(), sha256(b"abcdef"));
    }

    #[test]
    fn a_rename_over_a_mapped_file_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("x"), folder.path().join("y"));
        std::fs::write(&path, b"old").unwrap();
        std::fs::write(&other, b"new").unwrap();
        let sum = Sum::of(Bytes::of_file(&path).unwrap());
        std::fs::rename(&other, &path).unwrap();
        assert_eq!(sum.to_string(), sha256(b"old"));
    }
}
