import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.JobID;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.runtime.execution.ExecutionState;
import org.apache.flink.runtime.executiongraph.AccessExecutionGraph;
import org.apache.flink.runtime.executiongraph.AccessExecutionJobVertex;
import org.apache.flink.runtime.executiongraph.AccessExecutionVertex;
import org.apache.flink.runtime.jobgraph.JobGraph;
import org.apache.flink.runtime.jobgraph.JobResourceRequirements;
import org.apache.flink.runtime.jobgraph.JobVertex;
import org.apache.flink.runtime.jobgraph.SavepointRestoreSettings;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * A job of Flink that gets more workers and fewer again while records flow. Arguments are pairs {@code name=value}: {@code rate},
 * {@code keys}, {@code seconds} for each number of workers, {@code workers=2,4,2}, {@code mode=adaptive} (the adaptive scheduler is
 * told another parallelism) or {@code mode=savepoint} (the job is stopped with a savepoint and submitted again), {@code out} for what
 * came out and {@code state} for checkpoints; those with a dot in their names go to Flink's configuration.
 */
public class Rescale {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final Map<String, String> args = new HashMap<>();
    private final Configuration configuration = new Configuration();
    private final MiniCluster cluster;
    private final List<Integer> workers = new ArrayList<>();
    private JobGraph job;

    public static void main(String[] args) throws Exception {
        new Rescale(args).run();
        // Threads of the cluster may be left.
        System.exit(0);
    }

    private Rescale(String[] given) throws Exception {
        configuration.setString("state.backend.type", "hashmap");
        // As often as Malstrom has it.
        configuration.setString("execution.checkpointing.interval", "500ms");
        // The default waits up to 100 ms for a buffer to fill.
        configuration.setString("execution.buffer-timeout.interval", "1ms");
        // Without it restoring reads single bytes from the disk, and takes twice as long.
        configuration.setString("execution.checkpointing.snapshot-compression", "true");
        configuration.setString("pipeline.object-reuse", "true");
        configuration.setString("pipeline.auto-watermark-interval", "0ms");
        // The defaults are half a minute and a minute.
        configuration.setString("jobmanager.adaptive-scheduler.executing.cooldown-after-rescaling", "0ms");
        configuration.setString("jobmanager.adaptive-scheduler.executing.resource-stabilization-timeout", "0ms");
        configuration.setString("jobmanager.adaptive-scheduler.submission.resource-stabilization-timeout", "0ms");
        for (String pair : given) {
            String[] parts = pair.split("=", 2);
            if (parts[0].contains(".")) {
                configuration.setString(parts[0], parts[1]);
            } else {
                args.put(parts[0], parts[1]);
            }
        }
        if (adaptive()) {
            configuration.setString("jobmanager.scheduler", "adaptive");
        }
        configuration.setString("execution.checkpointing.dir", state().toUri().toString());
        int most = 0;
        for (String number : args.getOrDefault("workers", "2,4,2").split(",")) {
            workers.add(Integer.parseInt(number));
            most = Math.max(most, Integer.parseInt(number));
        }
        cluster = new MiniCluster(
                new MiniClusterConfiguration.Builder()
                        .setConfiguration(configuration)
                        .setNumTaskManagers(1)
                        .setNumSlotsPerTaskManager(most)
                        .withRandomPorts()
                        .build());
    }

    private boolean adaptive() {
        return args.getOrDefault("mode", "adaptive").equals("adaptive");
    }

    private Path state() {
        return Path.of(args.get("state")).toAbsolutePath();
    }

    private int number(String name) {
        return Integer.parseInt(args.get(name));
    }

    private void run() throws Exception {
        int seconds = number("seconds");
        // So much may be due until it ends.
        long most = (long) seconds * workers.size() + PATIENCE.toSeconds() * (workers.size() - 1) + 10;
        Came.prepare(number("rate"), number("keys"), most);
        cluster.start();
        submit(workers.get(0), null);
        await(workers.get(0));
        StringBuilder phases = new StringBuilder();
        for (int at = 0; at < workers.size(); at++) {
            int to = workers.get(at);
            if (at > 0) {
                long asked = Came.now();
                change(to);
                await(to);
                long done = Came.now();
                line(phases, "change", workers.get(at - 1), to, asked, done);
            }
            long from = Came.now();
            Thread.sleep(seconds * 1000L);
            line(phases, "phase", to, from, Came.now());
        }
        // Behind all that has been read.
        int rate = number("rate");
        Came.end = Came.now() * rate / 1_000_000_000 + rate / 5;
        cluster.requestJobResult(job.getJobID()).get().toJobExecutionResult(Rescale.class.getClassLoader());
        Came.write(Path.of(args.get("out")), "Flink, " + (adaptive() ? "adaptive scheduler" : "savepoint"), phases.toString());
        cluster.close();
    }

    /** Numbers of workers, and then times, which are written in microseconds. */
    private static void line(StringBuilder into, String what, Number... values) {
        into.append(what);
        for (Number value : values) {
            into.append(' ').append(value instanceof Long ? value.longValue() / 1000 : value);
        }
        into.append('\n');
    }

    /** Asks for another number of workers. */
    private void change(int to) throws Exception {
        if (adaptive()) {
            // What a `PUT` to `/jobs/:id/resource-requirements` comes to.
            JobResourceRequirements.Builder wanted = JobResourceRequirements.newBuilder();
            for (JobVertex vertex : job.getVertices()) {
                wanted.setParallelismForJobVertex(vertex.getID(), to, to);
            }
            cluster.updateJobResourceRequirements(job.getJobID(), wanted.build()).get();
        } else {
            String savepoints = state().resolve("savepoints").toUri().toString();
            String savepoint = cluster.stopWithSavepoint(job.getJobID(), savepoints, false, SavepointFormatType.NATIVE).get();
            submit(to, savepoint);
        }
    }

    private void submit(int to, String savepoint) throws Exception {
        StreamExecutionEnvironment environment = StreamExecutionEnvironment.createLocalEnvironment(to, configuration);
        long keys = number("keys");
        environment
                .fromSource(new Paced(), WatermarkStrategy.noWatermarks(), "paced", Types.LONG)
                .uid("paced")
                .keyBy(n -> n % keys, Types.LONG)
                .process(new Count())
                .returns(Types.TUPLE(Types.LONG, Types.LONG))
                .uid("count")
                .sinkTo(new Came())
                .uid("came");
        job = environment.getStreamGraph().getJobGraph();
        if (savepoint != null) {
            job.setSavepointRestoreSettings(SavepointRestoreSettings.forPath(savepoint));
        }
        cluster.submitJob(job).get();
    }

    /** Waits until all tasks of so many workers run and a record has come from them. */
    private void await(int wanted) throws Exception {
        long since = System.nanoTime();
        while (Came.firstOf(wanted) < 0 || !runs(job.getJobID(), wanted)) {
            if (System.nanoTime() - since > PATIENCE.toNanos()) {
                throw new IllegalStateException("there are no " + wanted + " workers after " + PATIENCE);
            }
            Thread.sleep(5);
        }
    }

    private boolean runs(JobID id, int wanted) throws Exception {
        AccessExecutionGraph graph = cluster.getExecutionGraph(id).get();
        boolean all = graph.getState() == JobStatus.RUNNING;
        for (AccessExecutionJobVertex vertex : graph.getVerticesTopologically()) {
            all &= vertex.getParallelism() == wanted;
            for (AccessExecutionVertex task : vertex.getTaskVertices()) {
                all &= task.getExecutionState() == ExecutionState.RUNNING;
            }
        }
        return all;
    }

    /** The number, and how many there were of its key. */
    private static class Count extends KeyedProcessFunction<Long, Long, Tuple2<Long, Long>> {
        private transient ValueState<Long> seen;
        private transient Tuple2<Long, Long> out;

        @Override
        public void open(OpenContext context) {
            seen = getRuntimeContext().getState(new ValueStateDescriptor<>("seen", Types.LONG));
            out = new Tuple2<>();
        }

        @Override
        public void processElement(Long number, Context context, Collector<Tuple2<Long, Long>> to) throws Exception {
            Long before = seen.value();
            long count = before == null ? 1 : before + 1;
            seen.update(count);
            out.f0 = number;
            out.f1 = count;
            to.collect(out);
        }
    }
}
