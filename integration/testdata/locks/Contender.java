import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.retry.RetryOneTime;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.recipes.lock.LockListener;
import org.apache.zookeeper.recipes.lock.WriteLock;

/** A contender for a lock, driven by lines on standard input: see player in player_test.go. */
public class Contender {
    interface Lock {
        void acquire() throws Exception;

        void release() throws Exception;
    }

    /** ZooKeeper's own recipe. */
    static class Recipe implements Lock, LockListener {
        private final WriteLock lock;
        private volatile CountDownLatch held = new CountDownLatch(1);

        Recipe(ZooKeeper zk, String path) {
            lock = new WriteLock(zk, path, ZooDefs.Ids.OPEN_ACL_UNSAFE, this);
        }

        public void lockAcquired() {
            held.countDown();
        }

        public void lockReleased() {
            held = new CountDownLatch(1);
        }

        public void acquire() throws Exception {
            lock.lock();
            // The recipe stops watching if the contender before it goes away between its two looks: it has to be asked again.
            while (!held.await(500, TimeUnit.MILLISECONDS)) {
                lock.lock();
            }
        }

        public void release() {
            lock.unlock();
        }
    }

    static class Curator implements Lock {
        private final InterProcessMutex mutex;

        Curator(CuratorFramework client, String path) {
            mutex = new InterProcessMutex(client, path);
        }

        public void acquire() throws Exception {
            mutex.acquire();
        }

        public void release() throws Exception {
            mutex.release();
        }
    }

    public static void main(String[] args) throws Exception {
        String kind = args[0], server = args[1], path = args[2];
        Path counter = Path.of(args[3]);
        Lock lock;
        AutoCloseable client;
        if (kind.equals("curator")) {
            CuratorFramework curator = CuratorFrameworkFactory.newClient(server, 10000, 10000, new RetryOneTime(1000));
            curator.start();
            curator.blockUntilConnected();
            lock = new Curator(curator, path);
            client = curator;
        } else {
            CountDownLatch connected = new CountDownLatch(1);
            ZooKeeper zk = new ZooKeeper(server, 10000, event -> connected.countDown());
            connected.await();
            lock = new Recipe(zk, path);
            client = zk;
        }
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = in.readLine()) != null; ) {
            String[] words = line.split(" ");
            switch (words[0]) {
                case "lock":
                    lock.acquire();
                    break;
                case "unlock":
                    lock.release();
                    break;
                case "count":
                    for (int i = Integer.parseInt(words[1]); i > 0; i--) {
                        lock.acquire();
                        int n = Integer.parseInt(Files.readString(counter));
                        Thread.sleep(2);
                        Files.writeString(counter, Integer.toString(n + 1));
                        lock.release();
                    }
                    break;
            }
            System.out.println("done");
        }
        client.close();
    }
}
