import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.apache.flink.api.connector.source.Boundedness;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.SourceSplit;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.core.io.InputStatus;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/** Numbers that are due at a steady rate, in splits whose positions are in the checkpoints, until {@link Came#end} says that it ends. */
public class Paced implements Source<Long, Paced.Split, Integer> {
    static final int SPLITS = 8;
    /** After so many the task looks after its checkpoints and its other mail. */
    private static final int BATCH = 256;

    /** Every eighth number, from its id on. */
    static class Split implements SourceSplit {
        final int id;
        long next;

        Split(int id, long next) {
            this.id = id;
            this.next = next;
        }

        @Override
        public String splitId() {
            return Integer.toString(id);
        }
    }

    @Override
    public Boundedness getBoundedness() {
        return Boundedness.CONTINUOUS_UNBOUNDED;
    }

    @Override
    public SourceReader<Long, Split> createReader(SourceReaderContext context) {
        return new Reader();
    }

    @Override
    public SplitEnumerator<Split, Integer> createEnumerator(SplitEnumeratorContext<Split> context) {
        return new Dealer(context, (1 << SPLITS) - 1);
    }

    @Override
    public SplitEnumerator<Split, Integer> restoreEnumerator(SplitEnumeratorContext<Split> context, Integer left) {
        return new Dealer(context, left);
    }

    private static class Reader implements SourceReader<Long, Split> {
        private static final Executor SOON = CompletableFuture.delayedExecutor(500, TimeUnit.MICROSECONDS, Runnable::run);
        private final List<Split> splits = new ArrayList<>();
        private boolean complete;

        @Override
        public void start() {
            Came.begin();
        }

        @Override
        public InputStatus pollNext(ReaderOutput<Long> output) {
            long now = Came.now();
            long end = Came.end;
            boolean more = false;
            boolean ended = complete;
            for (Split split : splits) {
                for (int n = 0; n < BATCH && split.next < end && Came.due(split.next) <= now; n++) {
                    output.collect(split.next);
                    split.next += SPLITS;
                }
                ended &= split.next >= end;
                more |= split.next < end && Came.due(split.next) <= now;
            }
            if (ended) {
                return InputStatus.END_OF_INPUT;
            }
            return more ? InputStatus.MORE_AVAILABLE : InputStatus.NOTHING_AVAILABLE;
        }

        @Override
        public CompletableFuture<Void> isAvailable() {
            return CompletableFuture.runAsync(() -> {}, SOON);
        }

        @Override
        public List<Split> snapshotState(long checkpoint) {
            List<Split> copies = new ArrayList<>();
            splits.forEach(split -> copies.add(new Split(split.id, split.next)));
            return copies;
        }

        @Override
        public void addSplits(List<Split> added) {
            splits.addAll(added);
        }

        @Override
        public void notifyNoMoreSplits() {
            complete = true;
        }

        @Override
        public void close() {}
    }

    /** Deals the splits out once; from then on they are in the state of the readers. Its own state has a bit for each that is left. */
    private static class Dealer implements SplitEnumerator<Split, Integer> {
        private final SplitEnumeratorContext<Split> context;
        private final List<Split> returned = new ArrayList<>();
        private int left;

        Dealer(SplitEnumeratorContext<Split> context, int left) {
            this.context = context;
            this.left = left;
        }

        @Override
        public void addReader(int reader) {
            for (int id = reader; id < SPLITS; id += context.currentParallelism()) {
                if ((left & 1 << id) != 0) {
                    context.assignSplit(new Split(id, id), reader);
                    left &= ~(1 << id);
                }
            }
            returned.forEach(split -> context.assignSplit(split, reader));
            returned.clear();
            context.signalNoMoreSplits(reader);
        }

        @Override
        public void addSplitsBack(List<Split> splits, int reader) {
            returned.addAll(splits);
        }

        @Override
        public Integer snapshotState(long checkpoint) {
            return left;
        }

        @Override
        public void start() {}

        @Override
        public void handleSplitRequest(int reader, String host) {}

        @Override
        public void close() {}
    }

    @Override
    public SimpleVersionedSerializer<Split> getSplitSerializer() {
        return new SimpleVersionedSerializer<>() {
            @Override
            public int getVersion() {
                return 1;
            }

            @Override
            public byte[] serialize(Split split) {
                return ByteBuffer.allocate(12).putInt(split.id).putLong(split.next).array();
            }

            @Override
            public Split deserialize(int version, byte[] bytes) {
                ByteBuffer buffer = ByteBuffer.wrap(bytes);
                return new Split(buffer.getInt(), buffer.getLong());
            }
        };
    }

    @Override
    public SimpleVersionedSerializer<Integer> getEnumeratorCheckpointSerializer() {
        return new SimpleVersionedSerializer<>() {
            @Override
            public int getVersion() {
                return 1;
            }

            @Override
            public byte[] serialize(Integer left) {
                return ByteBuffer.allocate(4).putInt(left).array();
            }

            @Override
            public Integer deserialize(int version, byte[] bytes) {
                return ByteBuffer.wrap(bytes).getInt();
            }
        };
    }
}
