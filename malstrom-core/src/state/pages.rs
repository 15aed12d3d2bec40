//! Asks the system for pages under large tables.
//!
//! A table of a gibibyte is some 260,000 pages of 4 KiB, each of which is a trap into the system when it is first
//! written, and most of which the processor has to look up again whenever a record needs them. Linux gives pages of 2 MiB to who asks,
//! where its setting `transparent_hugepage` is `madvise`, as distributions have it.
//!
//! Not in a virtual machine whose host takes free memory back, which it does by large pages: there each of them has to be got from the host
//! again, and 32 MiB took 95 ms in large pages and 21 ms in small ones. So small ones are asked for there, all at once, which
//! takes three quarters of the time that it takes to come upon them one by one.
#[cfg(target_os = "linux")]
use std::sync::OnceLock;

/// From this size in bytes on it pays: below, hardly a large page fits in between.
#[cfg(target_os = "linux")]
const LARGE: usize = 8 << 20;
/// Nothing is asked for a smaller piece. The kernel takes any address that is a multiple of a page, of which 64 KiB is the
/// largest there is.
#[cfg(target_os = "linux")]
const PAGE: usize = 64 << 10;
/// Of which size the pages are that the host gets back, as a power of two of small ones. There is no such file where the kernel cannot do
/// that, and a number beyond all sizes in it where no host has asked for it.
#[cfg(target_os = "linux")]
const REPORTED: &str = "/sys/module/page_reporting/parameters/page_reporting_order";

/// Whether this, read from [`REPORTED`], says that the host takes free memory back.
#[cfg(target_os = "linux")]
fn says_so(order: &str) -> bool {
    order.trim().parse::<u32>().is_ok_and(|order| order < u32::BITS)
}
#[cfg(target_os = "linux")]
fn host_takes_back() -> bool {
    static TAKES_BACK: OnceLock<bool> = OnceLock::new();
    *TAKES_BACK.get_or_init(|| std::fs::read_to_string(REPORTED).is_ok_and(|order| says_so(&order)))
}

/// Asks for pages under all the room of a vector that is about to be filled, if it is large. Where that is not to be had it does nothing.
///
/// It is for room that has just been allocated: what has been written to already stays where it is.
pub(super) fn ask_for_pages<T>(room: &mut Vec<T>) {
    #[cfg(target_os = "linux")]
    ask(room, if host_takes_back() { Pages::Now } else { Pages::Large });
    #[cfg(not(target_os = "linux"))]
    let _ = room;
}
/// The same, for room that is filled bit by bit: small pages are not asked for before they are needed.
pub(super) fn ask_for_large_pages<T>(room: &mut Vec<T>) {
    #[cfg(target_os = "linux")]
    if !host_takes_back() {
        ask(room, Pages::Large);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = room;
}
#[cfg(target_os = "linux")]
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pages {
    Large,
    /// Small ones, at once.
    Now,
}
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
fn ask<T>(room: &mut Vec<T>, pages: Pages) {
    let size = room.capacity().saturating_mul(size_of::<T>());
    let begin = room.as_mut_ptr().cast::<u8>();
    let skipped = begin.align_offset(PAGE);
    if size < LARGE || skipped >= size {
        return;
    }
    let length = (size - skipped) / PAGE * PAGE;
    let advice = match pages {
        Pages::Large => libc::MADV_HUGEPAGE,
        Pages::Now => libc::MADV_POPULATE_WRITE,
    };
    // SAFETY: `MADV_HUGEPAGE` changes neither what memory holds nor whether it may be touched, only the size of the
    // pages that the kernel backs it with, and `MADV_POPULATE_WRITE` only has it back them now. The range consists of whole pages
    // inside the one allocation of the vector, which is borrowed exclusively: `skipped < size`, and `skipped + length <= size`.
    // That the kernel declines is no error.
    let _declined = unsafe { libc::madvise(begin.wrapping_add(skipped).cast(), length, advice) };
}

#[cfg(test)]
mod tests {
    use super::ask_for_pages;

    #[test]
    fn what_is_in_a_vector_stays_in_it() {
        for size in [0, 1, 4096, (8 << 20) + 4097, 40 << 20] {
            let mut bytes = vec![0_u8; size];
            bytes.iter_mut().enumerate().for_each(|(at, byte)| *byte = at as u8);
            bytes.reserve_exact(size);
            ask_for_pages(&mut bytes);
            #[cfg(target_os = "linux")]
            for pages in [super::Pages::Now, super::Pages::Large] {
                super::ask(&mut bytes, pages);
            }
            assert!(bytes.iter().enumerate().all(|(at, byte)| *byte == at as u8), "{size} bytes");
            bytes.resize(2 * size, 7);
            assert!(bytes[size..].iter().all(|byte| *byte == 7), "{size} bytes");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_host_takes_memory_back_if_it_says_by_which_pages() {
        use super::says_so;
        assert!(says_so("9\n") && says_so("0"));
        assert!(!says_so("4294967295\n") && !says_so("") && !says_so("N"));
    }
    #[cfg(target_os = "linux")]
    #[test]
    fn the_kernel_is_asked_for_the_room_of_a_large_vector() {
        if !std::path::Path::new("/sys/kernel/mm/transparent_hugepage").exists() {
            println!("skipped: this kernel has no large pages to ask for");
            return;
        }
        let mut room = Vec::<u64>::with_capacity(4 << 20);
        super::ask(&mut room, super::Pages::Large);
        // `hg` stands among the flags of each mapping for which large pages were asked.
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let middle = room.as_ptr() as usize + (16 << 20);
        let holds = |line: &str| {
            let (from, to) = line.split_once(' ')?.0.split_once('-')?;
            let (from, to) = (usize::from_str_radix(from, 16).ok()?, usize::from_str_radix(to, 16).ok()?);
            Some((from..to).contains(&middle))
        };
        let mut lines = maps.lines().skip_while(|line| holds(line) != Some(true));
        let flags = lines.find(|line| line.starts_with("VmFlags")).unwrap();
        assert!(flags.split_whitespace().any(|flag| flag == "hg"), "{flags}");
    }
}
