//! The growing output of compressors and decompressors, and the bookkeeping that decompressor objects share.
//!
//! Nothing here needs the interpreter: it works under the guard of an object's state, and says what failed instead of raising.

/// Memory ran out.
#[derive(Debug)]
pub struct NoMemory;

/// Bytes of the first piece of output.
const FIRST: usize = 16 * 1024;
/// The most that one step adds, so that a limit of the caller's is never overrun by much in memory.
const MOST: usize = 64 * 1024 * 1024;

/// Output that grows as it is filled, up to a limit.
pub struct Output {
    bytes: Vec<u8>,
    filled: usize,
    limit: usize,
}

impl Output {
    /// No more than `limit` bytes are to be written, if it is given.
    pub fn new(limit: Option<usize>) -> Output {
        Output {
            bytes: Vec::new(),
            filled: 0,
            limit: limit.unwrap_or(usize::MAX),
        }
    }

    /// As [`Output::new`], without limit, and with memory set aside for `size` bytes.
    pub fn sized(size: usize) -> Result<Output, NoMemory> {
        let mut output = Output::new(None);
        output.bytes.try_reserve_exact(size).map_err(|_| NoMemory)?;
        Ok(output)
    }

    /// Has the limit been reached?
    pub fn is_full(&self) -> bool {
        self.filled >= self.limit
    }

    /// Where to write next: at least one byte, unless the limit has been reached.
    pub fn space(&mut self) -> Result<&mut [u8], NoMemory> {
        if self.filled == self.bytes.len() && !self.is_full() {
            let more = self.bytes.len().clamp(FIRST, MOST);
            let more = more.min(self.limit - self.filled);
            self.bytes.try_reserve(more).map_err(|_| NoMemory)?;
            self.bytes.resize(self.filled + more, 0);
        }
        Ok(&mut self.bytes[self.filled..])
    }

    /// Counts bytes that were written to the space.
    pub fn advance(&mut self, count: usize) {
        self.filled = (self.filled + count).min(self.bytes.len());
    }

    /// What was written.
    pub fn finish(mut self) -> Vec<u8> {
        self.bytes.truncate(self.filled);
        self.bytes
    }
}

/// A copy of some bytes.
pub fn try_to_vec(bytes: &[u8]) -> Result<Vec<u8>, NoMemory> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(bytes.len()).map_err(|_| NoMemory)?;
    copy.extend_from_slice(bytes);
    Ok(copy)
}

/// Appends bytes.
pub fn try_extend(to: &mut Vec<u8>, bytes: &[u8]) -> Result<(), NoMemory> {
    to.try_reserve(bytes.len()).map_err(|_| NoMemory)?;
    to.extend_from_slice(bytes);
    Ok(())
}

/// What one call of a library did.
#[derive(Clone, Copy, Default)]
pub struct Step {
    pub consumed: usize,
    pub produced: usize,
    /// The end of the compressed stream was reached.
    pub end: bool,
}

/// A library's decompressor.
pub trait Decoder {
    type Error: From<NoMemory>;
    /// May the library hold back output when it has taken all input but the space was filled? Then more can come without input.
    const HOLDS_OUTPUT: bool;
    /// Takes some input and writes some output.
    fn step(&mut self, input: &[u8], space: &mut [u8]) -> Result<Step, Self::Error>;
}

/// A decompressor object's state: the library's, and what lies between two calls.
pub struct Decompression<D> {
    pub decoder: D,
    /// Input that has not been taken yet.
    pending: Vec<u8>,
    pub eof: bool,
    pub needs_input: bool,
    /// What came behind the end.
    pub unused: Vec<u8>,
}

impl<D: Decoder> Decompression<D> {
    pub fn new(decoder: D) -> Decompression<D> {
        Decompression {
            decoder,
            pending: Vec::new(),
            eof: false,
            needs_input: true,
            unused: Vec::new(),
        }
    }

    /// Decompresses `data` (and what is left of earlier data) into at most `limit` bytes. The caller has seen to it that the
    /// end was not reached before.
    pub fn decompress(&mut self, data: &[u8], limit: Option<usize>) -> Result<Vec<u8>, D::Error> {
        let mut joined = std::mem::take(&mut self.pending);
        if joined.is_empty() {
            return self.run(data, limit);
        }
        try_extend(&mut joined, data)?;
        self.run(&joined, limit)
    }

    fn run(&mut self, input: &[u8], limit: Option<usize>) -> Result<Vec<u8>, D::Error> {
        let mut output = Output::new(limit);
        let mut rest = input;
        let space_left = loop {
            let space = output.space()?;
            let size = space.len();
            let step = self.decoder.step(rest, space)?;
            rest = rest.get(step.consumed..).unwrap_or(&[]);
            output.advance(step.produced);
            if step.end {
                self.eof = true;
                break true;
            }
            let stuck = step.consumed == 0 && step.produced == 0;
            if stuck || rest.is_empty() && step.produced < size {
                break step.produced < size;
            }
            if output.is_full() {
                break false;
            }
        };
        if self.eof {
            self.needs_input = false;
            self.unused = try_to_vec(rest)?;
        } else if rest.is_empty() {
            self.needs_input = space_left || !D::HOLDS_OUTPUT;
        } else {
            self.needs_input = false;
            self.pending = try_to_vec(rest)?;
        }
        Ok(output.finish())
    }
}
