import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicLong;
import org.apache.curator.framework.recipes.barriers.DistributedBarrier;
import org.apache.curator.framework.recipes.barriers.DistributedDoubleBarrier;
import org.apache.curator.framework.recipes.leader.LeaderSelector;
import org.apache.curator.framework.recipes.leader.LeaderSelectorListenerAdapter;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreV2;
import org.apache.curator.framework.recipes.locks.Lease;
import org.apache.curator.framework.recipes.nodes.GroupMember;
import org.apache.curator.framework.recipes.nodes.PersistentNode;
import org.apache.curator.framework.recipes.shared.SharedCount;
import org.apache.curator.retry.RetryOneTime;
import org.apache.zookeeper.CreateMode;

/** Plays Curator's recipes by orders on standard input, RECIPE VERB PATH [ARGUMENT]: see recipes_test.go. */
public class Recipes {
    private final CuratorFramework client;
    private final Map<String, Object> held = new HashMap<>();

    Recipes(CuratorFramework client) {
        this.client = client;
    }

    static class Leader extends LeaderSelectorListenerAdapter {
        final CountDownLatch leads = new CountDownLatch(1);
        final CountDownLatch over = new CountDownLatch(1);
        LeaderSelector selector;

        public void takeLeadership(CuratorFramework client) throws Exception {
            leads.countDown();
            over.await();
        }
    }

    String play(String recipe, String verb, String path, String argument) throws Exception {
        String key = recipe + path;
        switch (recipe + " " + verb) {
            case "barrier set":
                new DistributedBarrier(client, path).setBarrier();
                break;
            case "barrier remove":
                new DistributedBarrier(client, path).removeBarrier();
                break;
            case "barrier wait":
                new DistributedBarrier(client, path).waitOnBarrier();
                break;
            case "double enter":
                DistributedDoubleBarrier barrier = new DistributedDoubleBarrier(client, path, Integer.parseInt(argument));
                held.put(key, barrier);
                barrier.enter();
                break;
            case "double leave":
                ((DistributedDoubleBarrier) held.get(key)).leave();
                break;
            case "int32 get":
            case "int32 set":
                SharedCount count = new SharedCount(client, path, 0);
                count.start();
                if (verb.equals("set")) {
                    count.setCount(Integer.parseInt(argument));
                }
                String value = Integer.toString(count.getCount());
                count.close();
                return value;
            case "int64 add":
                return new DistributedAtomicLong(client, path, new RetryOneTime(10)).add(Long.parseLong(argument)).postValue().toString();
            case "semaphore acquire":
                held.put(key, new InterProcessSemaphoreV2(client, path, Integer.parseInt(argument)).acquire());
                break;
            case "semaphore release":
                ((Lease) held.get(key)).close();
                break;
            case "election lead":
                Leader leader = new Leader();
                leader.selector = new LeaderSelector(client, path, leader);
                held.put(key, leader);
                leader.selector.start();
                leader.leads.await();
                break;
            case "election resign":
                ((Leader) held.get(key)).over.countDown();
                break;
            case "group join":
                GroupMember member = new GroupMember(client, path, argument, new byte[0]);
                member.start();
                held.put(key, member);
                break;
            case "group members":
                return String.join(" ", new TreeSet<>(((GroupMember) held.get(key)).getCurrentMembers().keySet()));
            case "group leave":
                ((GroupMember) held.get(key)).close();
                break;
            case "node keep":
                PersistentNode node = new PersistentNode(client, CreateMode.EPHEMERAL, false, path, argument.getBytes());
                node.start();
                held.put(key, node);
                node.waitForInitialCreate(1, java.util.concurrent.TimeUnit.MINUTES);
                break;
            case "node close":
                ((PersistentNode) held.get(key)).close();
                break;
            default:
                return "unknown order";
        }
        return "done";
    }

    public static void main(String[] args) throws Exception {
        CuratorFramework client = CuratorFrameworkFactory.newClient(args[0], 10000, 10000, new RetryOneTime(1000));
        client.start();
        client.blockUntilConnected();
        Recipes recipes = new Recipes(client);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = in.readLine()) != null; ) {
            String[] words = line.split(" ");
            System.out.println(recipes.play(words[0], words[1], words[2], words.length > 3 ? words[3] : ""));
        }
        client.close();
    }
}
