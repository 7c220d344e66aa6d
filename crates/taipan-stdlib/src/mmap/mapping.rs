//! Mapped memory: an owned range of pages, with the descriptor of the file behind it.

use crate::path::errno;

/// What a program may do with a mapping.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(i32)]
pub(super) enum Access {
    Default = 0,
    Read = 1,
    Write = 2,
    Copy = 3,
}

impl Access {
    pub(super) const ALL: [Access; 4] =
        [Access::Default, Access::Read, Access::Write, Access::Copy];

    pub(super) fn of(number: i32) -> Option<Access> {
        Access::ALL
            .into_iter()
            .find(|access| *access as i32 == number)
    }

    pub(super) fn name(self) -> &'static str {
        [
            "ACCESS_DEFAULT",
            "ACCESS_READ",
            "ACCESS_WRITE",
            "ACCESS_COPY",
        ][self as usize]
    }
}

/// Bytes of a page.
pub(super) fn page_size() -> usize {
    // SAFETY: a plain query.
    unsafe { libc::sysconf(libc::_SC_PAGESIZE) as usize }
}

/// Memory of ours until it is dropped. The pages may be a file's, which other processes change: nothing may rely on what they hold.
pub(super) struct Mapping {
    data: *mut u8,
    len: usize,
    pub(super) offset: i64,
    pub(super) access: Access,
    /// A descriptor of our own; -1 for anonymous memory, and if the file is not kept.
    pub(super) fd: i32,
    pub(super) tracks_fd: bool,
    flags: i32,
}

// SAFETY: it owns its pages; access to them goes through the object's guard.
unsafe impl Send for Mapping {}

/// What to map.
pub(super) struct Request {
    pub(super) fd: i32,
    pub(super) len: usize,
    pub(super) flags: i32,
    pub(super) protection: i32,
    pub(super) access: Access,
    pub(super) offset: i64,
    pub(super) tracks_fd: bool,
}

impl Mapping {
    /// Maps; the error number if the system refuses.
    pub(super) fn new(request: &Request) -> Result<Mapping, i32> {
        let mut flags = request.flags;
        let mut fd = -1;
        if request.fd == -1 {
            flags |= libc::MAP_ANONYMOUS;
        } else if request.tracks_fd {
            // SAFETY: a plain call.
            fd = unsafe { libc::fcntl(request.fd, libc::F_DUPFD_CLOEXEC, 0) };
            if fd < 0 {
                return Err(errno());
            }
        }
        // SAFETY: the system chooses the place.
        let data = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                request.len,
                request.protection,
                flags,
                request.fd,
                request.offset as libc::off_t,
            )
        };
        if data == libc::MAP_FAILED {
            let error = errno();
            close(fd);
            return Err(error);
        }
        Ok(Mapping {
            data: data.cast(),
            len: request.len,
            offset: request.offset,
            access: request.access,
            fd,
            tracks_fd: request.tracks_fd,
            flags,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn as_ptr(&self) -> *mut u8 {
        self.data
    }

    /// The memory. No reference to it may live while Python code runs or the mapping changes.
    pub(super) fn bytes(&self) -> &[u8] {
        // SAFETY: the pages are mapped while this lives.
        unsafe { std::slice::from_raw_parts(self.data, self.len) }
    }

    /// Writes `source`, which may be part of this very memory, at `at`. False if it does not fit.
    pub(super) fn write(&mut self, at: usize, source: &[u8]) -> bool {
        if at
            .checked_add(source.len())
            .is_none_or(|end| end > self.len)
        {
            return false;
        }
        // SAFETY: the range was checked; `copy` lets source and target overlap.
        unsafe { std::ptr::copy(source.as_ptr(), self.data.add(at), source.len()) };
        true
    }

    /// Moves bytes inside the memory. False if they do not fit.
    pub(super) fn move_within(&mut self, to: usize, from: usize, count: usize) -> bool {
        let fits = |start: usize| start.checked_add(count).is_some_and(|end| end <= self.len);
        if !fits(to) || !fits(from) {
            return false;
        }
        // SAFETY: both ranges were checked; `copy` lets them overlap.
        unsafe { std::ptr::copy(self.data.add(from), self.data.add(to), count) };
        true
    }

    /// Would growing read memory that is nobody's? A shared anonymous mapping has no pages behind its end.
    pub(super) fn grows_badly(&self, len: usize) -> bool {
        self.fd == -1 && self.flags & libc::MAP_PRIVATE == 0 && len > self.len
    }

    /// Changes the size, and that of the file.
    #[cfg(target_os = "linux")]
    pub(super) fn resize(&mut self, len: usize) -> Result<(), i32> {
        // SAFETY: a plain call.
        if self.fd != -1 && unsafe { libc::ftruncate(self.fd, self.offset + len as i64) } < 0 {
            return Err(errno());
        }
        // SAFETY: the pages are ours, and nobody refers to them: the caller saw to it that no buffer is lent.
        let data = unsafe { libc::mremap(self.data.cast(), self.len, len, libc::MREMAP_MAYMOVE) };
        if data == libc::MAP_FAILED {
            return Err(errno());
        }
        self.data = data.cast();
        self.len = len;
        Ok(())
    }

    /// Writes changed pages of a range to the file.
    pub(super) fn flush(&self, start: usize, len: usize) -> Result<(), i32> {
        // SAFETY: the callers' range lies in the memory.
        if unsafe { libc::msync(self.data.add(start).cast(), len, libc::MS_SYNC) } < 0 {
            return Err(errno());
        }
        Ok(())
    }

    /// Tells the system how a range will be used.
    pub(super) fn advise(&self, start: usize, len: usize, advice: i32) -> Result<(), i32> {
        // SAFETY: the callers' range lies in the memory.
        if unsafe { libc::madvise(self.data.add(start).cast(), len, advice) } != 0 {
            return Err(errno());
        }
        Ok(())
    }
}

fn close(fd: i32) {
    if fd >= 0 {
        // SAFETY: our own descriptor.
        unsafe { libc::close(fd) };
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the pages are ours and nobody refers to them: objects that lent them refuse to be closed.
        unsafe { libc::munmap(self.data.cast(), self.len) };
        close(self.fd);
    }
}
