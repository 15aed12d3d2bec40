//! Where a job keeps what it writes: a small file system of its own, where one may be had, which fills up and fails when told to.
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How large it is, in MiB: a job of these tests needs a tenth of that.
const SIZE: u64 = 64;

pub(crate) struct Disk {
    at: PathBuf,
    mounted: bool,
}
impl Disk {
    /// A disk below this directory. Who may not mount one gets a directory, which never fills up.
    pub(crate) fn new(below: &Path) -> Disk {
        let at = below.join("disk");
        fs::create_dir(&at).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={SIZE}m,mode=777"), "tmpfs"]).arg(&at);
        let mounted = mount.output().is_ok_and(|output| output.status.success());
        // Those whom permissions bind must be able to write there.
        fs::set_permissions(below, fs::Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(&at, fs::Permissions::from_mode(0o777)).unwrap();
        Disk { at, mounted }
    }
    pub(crate) fn at(&self) -> &Path {
        &self.at
    }
    /// Leaves no byte free. Whether that is possible.
    pub(crate) fn fill(&self) -> bool {
        let ballast = vec![1; (SIZE as usize) << 20];
        // It ends with an error: the disk is full.
        self.mounted && fs::write(self.at.join("ballast"), ballast).is_err()
    }
    pub(crate) fn free(&self) {
        let _ = fs::remove_file(self.at.join("ballast"));
    }
    /// Nobody gets at a directory any more, or everybody does again. The owner of everything still does.
    pub(crate) fn lock(&self, directory: &str, locked: bool) {
        let mode = if locked { 0o000 } else { 0o777 };
        // Where nothing was written yet there is nothing to lock.
        let _ = fs::set_permissions(self.at.join(directory), fs::Permissions::from_mode(mode));
    }
    /// What is on it, as a directory that stays.
    pub(crate) fn keep(&self, to: &Path) {
        let _ = Command::new("cp").arg("-r").args([self.at(), to]).status();
    }
}
impl Drop for Disk {
    fn drop(&mut self) {
        if self.mounted {
            // Processes that hold it are about to end.
            let _ = Command::new("umount").arg("-l").arg(&self.at).status();
        }
    }
}

/// What runs a program as somebody whom permissions bind: as it is, or, for the superuser, as nobody.
pub(crate) fn bound(program: &str) -> (String, Vec<String>) {
    let superuser = fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0);
    if !superuser {
        return (program.to_owned(), Vec::new());
    }
    let arguments = ["--reuid=65534", "--regid=65534", "--clear-groups", program];
    ("setpriv".to_owned(), arguments.map(Into::into).into())
}
