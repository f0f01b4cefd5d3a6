import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.cache.CuratorCache;
import org.apache.curator.framework.recipes.cache.CuratorCacheListener;
import org.apache.curator.retry.RetryForever;

/** A CuratorCache that takes orders on standard input, and answers each with a number: see cache.go. */
public class Caches {
    private static final AtomicInteger changes = new AtomicInteger();

    static CuratorFramework dial(String server) throws Exception {
        CuratorFramework client = CuratorFrameworkFactory.newClient(server, 30000, 30000, new RetryForever(100));
        client.start();
        client.blockUntilConnected();
        return client;
    }

    static CuratorCache load(CuratorFramework client, String path) throws Exception {
        CountDownLatch loaded = new CountDownLatch(1);
        CuratorCache cache = CuratorCache.build(client, path);
        cache.listenable().addListener(CuratorCacheListener.builder()
            .forInitialized(loaded::countDown)
            .forChanges((before, after) -> {
                synchronized (changes) {
                    changes.incrementAndGet();
                    changes.notifyAll();
                }
            }).build());
        cache.start();
        loaded.await();
        return cache;
    }

    static void await(int n) throws Exception {
        synchronized (changes) {
            while (changes.get() < n) {
                changes.wait();
            }
        }
    }

    static long used() {
        System.gc();
        System.gc();
        return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
    }

    public static void main(String[] args) throws Exception {
        String server = args[0], path = args[2];
        CuratorFramework client = dial(args[1]), other = dial(server);
        CuratorCache cache = null;
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = in.readLine()) != null; ) {
            String[] words = line.split(" ");
            long start = System.nanoTime(), answer = 0;
            switch (words[0]) {
                case "unload":
                    if (cache != null) {
                        cache.close();
                    }
                    cache = null;
                    break;
                case "load":
                    if (cache != null) {
                        cache.close();
                    }
                    start = System.nanoTime();
                    cache = load(client, path);
                    answer = System.nanoTime() - start;
                    break;
                case "used":
                    answer = used();
                    break;
                case "change":
                    int n = Integer.parseInt(words[2]);
                    for (int i = 0; i < n; i++) {
                        changes.set(0);
                        other.setData().forPath(words[1], new byte[100]);
                        await(1);
                    }
                    answer = (System.nanoTime() - start) / n;
                    break;
                case "forget":
                    changes.set(0);
                    break;
                case "await":
                    await(Integer.parseInt(words[1]));
                    break;
            }
            System.out.println(answer);
        }
        System.exit(0);
    }
}
