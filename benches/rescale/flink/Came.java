import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.IntUnaryOperator;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.api.java.tuple.Tuple2;

/**
 * What has come out. All tasks run in this JVM, so it outlives each of them. A number is in one sink at a time, and a key too, so that
 * nothing here is locked.
 */
class Came implements Sink<Tuple2<Long, Long>> {
    /** Where it is noted in which such stretches of time something came. */
    private static final long BEAT_NANOS = 100_000;

    static volatile long end = Long.MAX_VALUE;
    private static volatile long began;
    private static long rate;
    /** For each number the microseconds from when it was due until it came first, and -1 before. */
    private static int[] took;
    /** For each number how often it came. */
    private static byte[] times;
    /** For each key the last count that came. */
    private static int[] counts;
    private static byte[] beats;
    /** The number of workers of the newest sink, and since when records come from as many. */
    private static volatile int workers;
    private static volatile long firstOfThese;

    static void prepare(long recordsPerSecond, int keys, long seconds) {
        rate = recordsPerSecond;
        took = new int[Math.toIntExact(rate * seconds)];
        Arrays.fill(took, -1);
        times = new byte[took.length];
        counts = new int[keys];
        beats = new byte[Math.toIntExact(seconds * 1_000_000_000L / BEAT_NANOS)];
    }

    /** The first number is due when the first reader starts, as it takes a while until a job runs. */
    static synchronized void begin() {
        if (began == 0) {
            began = System.nanoTime();
        }
    }

    /** Nanoseconds since then. */
    static long now() {
        return System.nanoTime() - began;
    }

    static long due(long number) {
        return number * 1_000_000_000L / rate;
    }

    /** When the first record came from that many workers, and -1 if none has. */
    static long firstOf(int wanted) {
        return workers == wanted ? firstOfThese : -1;
    }

    @Override
    public SinkWriter<Tuple2<Long, Long>> createWriter(WriterInitContext context) {
        int of = context.getTaskInfo().getNumberOfParallelSubtasks();
        synchronized (Came.class) {
            if (workers != of) {
                workers = of;
                firstOfThese = -1;
            }
        }
        return new SinkWriter<>() {
            private boolean any;

            @Override
            public void write(Tuple2<Long, Long> record, Context ignored) {
                long now = now();
                if (!any) {
                    any = true;
                    first(now);
                }
                int number = record.f0.intValue();
                if (took[number] < 0) {
                    took[number] = (int) Math.max(0, (now - due(number)) / 1000);
                }
                times[number]++;
                counts[number % counts.length] = record.f1.intValue();
                beats[(int) (now / BEAT_NANOS)] = 1;
            }

            @Override
            public void flush(boolean endOfInput) {}

            @Override
            public void close() {}
        };
    }

    private static synchronized void first(long now) {
        if (firstOfThese < 0) {
            firstOfThese = now;
        }
    }

    /** Writes it for the program that reports it. */
    static void write(Path into, String what, String phases) throws IOException {
        Files.createDirectories(into);
        long again = 0;
        for (int n = 0; n < end; n++) {
            again += Math.max(0, times[n] - 1);
        }
        try (PrintWriter out = new PrintWriter(into.resolve("run.txt").toFile())) {
            out.printf("what %s%nrate %d%nkeys %d%nrecords %d%nagain %d%n", what, rate, counts.length, end, again);
            out.printf("counted %d%n%s", Arrays.stream(counts).asLongStream().sum(), phases);
        }
        write(into.resolve("took.bin"), Math.toIntExact(end), n -> took[n]);
        try (OutputStream out = Files.newOutputStream(into.resolve("beats.bin"))) {
            out.write(beats);
        }
    }

    private static void write(Path file, int length, IntUnaryOperator value) throws IOException {
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file), 1 << 20)) {
            ByteBuffer bytes = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
            for (int n = 0; n < length; n++) {
                bytes.putInt(0, value.applyAsInt(n));
                out.write(bytes.array());
            }
        }
    }
}
