//! Processes on hosts of their own: network namespaces with a bridge between them, where what one sends another is dropped, in one
//! direction or at random. Skipped where a machine allows none.
use crate::job::{Job, Process, all_end};
use std::process::{Command, Stdio};

/// Runs a command of the machine's; what it says if it fails.
fn run(command: &str) -> Result<(), String> {
    let mut words = command.split(' ');
    let mut made = Command::new(words.next().unwrap_or_default());
    let output = made.args(words).stdin(Stdio::null()).output().map_err(|error| format!("{command}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command}: {}", String::from_utf8_lossy(&output.stderr).trim()))
}

/// Some hosts, until they are dropped.
struct Hosts {
    /// Tells them from those of other tests.
    number: u32,
    count: u32,
}
impl Hosts {
    fn new(count: u32) -> Result<Hosts, String> {
        let hosts = Hosts { number: std::process::id() % 250, count };
        let (bridge, net) = (hosts.bridge(), hosts.net());
        run(&format!("ip link add {bridge} type bridge"))?;
        run(&format!("ip addr add {net}.254/24 dev {bridge}"))?;
        run(&format!("ip link set {bridge} up"))?;
        for host in 0..count {
            let (name, outer, inner) = (hosts.name(host), hosts.veth(host, "o"), hosts.veth(host, "i"));
            run(&format!("ip netns add {name}"))?;
            run(&format!("ip link add {outer} type veth peer name {inner}"))?;
            run(&format!("ip link set {inner} netns {name}"))?;
            run(&format!("ip link set {outer} master {bridge} up"))?;
            run(&format!("ip -n {name} addr add {}/24 dev {inner}", hosts.address(host)))?;
            run(&format!("ip -n {name} link set {inner} up"))?;
            run(&format!("ip -n {name} link set lo up"))?;
        }
        Ok(hosts)
    }
    fn bridge(&self) -> String {
        format!("mst{}", self.number)
    }
    fn net(&self) -> String {
        format!("10.213.{}", self.number)
    }
    fn name(&self, host: u32) -> String {
        format!("mst{}h{host}", self.number)
    }
    fn veth(&self, host: u32, end: &str) -> String {
        format!("mst{}{end}{host}", self.number)
    }
    fn address(&self, host: u32) -> String {
        format!("{}.{}", self.net(), host + 1)
    }
    /// What `from` sends to `to` is dropped, or is not any more. What comes back is not touched.
    fn drop_between(&self, from: u32, to: u32, drops: bool) {
        let what = if drops { "add" } else { "del" };
        run(&format!("ip -n {} route {what} blackhole {}/32", self.name(from), self.address(to))).unwrap();
    }
    /// Each twentieth packet that leaves a host is lost, at random. Whether that can be had.
    fn lose_some(&self, host: u32) -> bool {
        let ns = format!("ip netns exec {} nft", self.name(host));
        let rules = [
            "add table inet lossy",
            "add chain inet lossy out { type filter hook output priority 0 ; }",
            "add rule inet lossy out numgen random mod 100 < 5 drop",
        ];
        rules.iter().all(|rule| run(&format!("{ns} {rule}")).inspect_err(|why| eprintln!("no loss: {why}")).is_ok())
    }
    fn start(&self, job: &Job, host: u32, name: &str, more: &[&str]) -> Process {
        let mut arguments: Vec<String> = ["netns", "exec", &self.name(host), &job.program].map(Into::into).into();
        arguments.extend(job.arguments());
        arguments.push("--insecure".into());
        arguments.extend(more.iter().map(ToString::to_string));
        Process::start("ip", name, &arguments, job.dir())
    }
}
impl Drop for Hosts {
    fn drop(&mut self) {
        // What was not made cannot be removed.
        for host in 0..self.count {
            let _ = run(&format!("ip netns del {}", self.name(host)));
            let _ = run(&format!("ip link del {}", self.veth(host, "o")));
        }
        let _ = run(&format!("ip link del {}", self.bridge()));
    }
}

#[test]
fn hosts_that_lose_each_other_find_each_other_again() {
    let hosts = match Hosts::new(3) {
        Ok(hosts) => hosts,
        Err(why) => {
            eprintln!("skipped: no network namespaces on this machine ({why})");
            return;
        }
    };
    let job = Job::of(2, 14);
    let at = format!("--join={}:7070", hosts.address(0));
    let listen = format!("--listen={}:7070", hosts.address(0));
    let mut coordinator = hosts.start(&job, 0, "coordinator", &["--role=coordinator", &listen, "--processes=2"]);
    let mut workers: Vec<Process> = (0..2u32)
        .map(|number| {
            let (listen, process) =
                (format!("--listen={}:0", hosts.address(number + 1)), format!("--process={number}"));
            hosts.start(&job, number + 1, &format!("worker{number}"), &["--role=worker", &at, &listen, &process])
        })
        .collect();
    job.goes_on();

    // Two with workers, in one direction.
    hosts.drop_between(1, 2, true);
    coordinator.until_it_logs("a process cannot reach another one");
    hosts.drop_between(1, 2, false);
    job.goes_on();
    // One with workers does not reach the coordinator, which reaches it.
    hosts.drop_between(2, 0, true);
    coordinator.until_it_logs("a process does not come back process=1");
    hosts.drop_between(2, 0, false);
    coordinator.until_it_logs_times("attempt begins", 3);
    // Until the end, if it has not come yet.
    let _ = (0..3).all(|host| hosts.lose_some(host));
    assert!(coordinator.is_right() >= 2);
    all_end(&mut workers);
}
