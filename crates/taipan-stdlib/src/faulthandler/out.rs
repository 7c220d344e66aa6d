//! Writing to a descriptor from anywhere, signal handlers included: no allocation, no lock.

/// Text on its way to a descriptor. It is written when the room is full and at the end; errors are ignored.
pub(super) struct Out {
    fd: i32,
    room: [u8; 256],
    used: usize,
}

impl Out {
    pub(super) fn new(fd: i32) -> Out {
        Out {
            fd,
            room: [0; 256],
            used: 0,
        }
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if self.used == self.room.len() {
                self.flush();
            }
            if let Some(place) = self.room.get_mut(self.used) {
                *place = *byte;
                self.used += 1;
            }
        }
    }

    pub(super) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// A number with at least `width` digits.
    pub(super) fn decimal(&mut self, number: u64, width: usize) {
        self.digits(number, 10, width);
    }

    /// A number in hexadecimal with at least `width` digits.
    pub(super) fn hex(&mut self, number: u64, width: usize) {
        self.digits(number, 16, width);
    }

    fn digits(&mut self, mut number: u64, base: u64, width: usize) {
        let mut digits = [b'0'; 20];
        let mut at = digits.len();
        while number > 0 || digits.len() - at < width.clamp(1, digits.len()) {
            at -= 1;
            digits[at] = b"0123456789abcdef"[(number % base) as usize];
            number /= base;
        }
        self.bytes(&digits[at..]);
    }

    /// Text of the program: at most 500 characters, what is not printable ASCII escaped.
    pub(super) fn escaped(&mut self, text: &str) {
        const MOST: usize = 500;
        for (index, c) in text.chars().enumerate() {
            if index == MOST {
                self.text("...");
                return;
            }
            match c {
                ' '..='~' => self.bytes(&[c as u8]),
                '\0'..='\u{ff}' => self.escape("\\x", c, 2),
                '\0'..='\u{ffff}' => self.escape("\\u", c, 4),
                _ => self.escape("\\U", c, 8),
            }
        }
    }

    fn escape(&mut self, start: &str, c: char, width: usize) {
        self.text(start);
        self.hex(u32::from(c).into(), width);
    }

    pub(super) fn flush(&mut self) {
        let mut left = &self.room[..self.used];
        while !left.is_empty() {
            // SAFETY: memory with its length.
            let count = unsafe { libc::write(self.fd, left.as_ptr().cast(), left.len()) };
            match usize::try_from(count) {
                Ok(0) => break,
                Ok(count) => left = left.get(count..).unwrap_or(&[]),
                Err(_) if crate::path::errno() == libc::EINTR => {}
                Err(_) => break,
            }
        }
        self.used = 0;
    }
}

impl Drop for Out {
    fn drop(&mut self) {
        self.flush();
    }
}
