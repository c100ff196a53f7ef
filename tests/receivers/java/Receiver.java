// Run with: java -cp gson.jar Receiver.java (Java 17 or later; Gson parses the events).
// $WEBHOOK_SECRETS has the secret, or two separated by a space while one replaces the other.
// $INBOX is the folder of events, one file each; an empty file has been worked on.
import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.*;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.*;
import java.util.concurrent.*;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public class Receiver {
    static final long TOLERANCE = 5 * 60;
    static final List<byte[]> SECRETS = new ArrayList<>();
    static final Path INBOX = Path.of(System.getenv().getOrDefault("INBOX", "inbox"));
    static final ScheduledExecutorService worker = Executors.newSingleThreadScheduledExecutor();

    static boolean verified(Headers headers, byte[] body) throws GeneralSecurityException {
        String id = first(headers, "webhook-id");
        String timestamp = first(headers, "webhook-timestamp");
        if (!id.matches("[\\w-]{1,100}") || !timestamp.matches("[0-9]{1,12}")) return false;
        long age = System.currentTimeMillis() / 1000 - Long.parseLong(timestamp);
        if (Math.abs(age) > TOLERANCE) return false;
        String[] given = first(headers, "webhook-signature").split(" ");
        for (byte[] secret : SECRETS) {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(secret, "HmacSHA256"));
            mac.update((id + "." + timestamp + ".").getBytes(UTF_8));
            String expected = "v1," + Base64.getEncoder().encodeToString(mac.doFinal(body));
            for (String one : given) {
                if (MessageDigest.isEqual(one.getBytes(UTF_8), expected.getBytes(UTF_8))) return true;
            }
        }
        return false;
    }

    static String first(Headers headers, String name) {
        return Objects.requireNonNullElse(headers.getFirst(name), "");
    }

    static void store(String id, byte[] body) throws IOException {
        Path temporary = Files.createTempFile(INBOX, "new", null);
        try (FileChannel file = FileChannel.open(temporary, StandardOpenOption.WRITE)) {
            ByteBuffer rest = ByteBuffer.wrap(body);
            while (rest.hasRemaining()) file.write(rest);
            file.force(true);
            Files.createLink(INBOX.resolve(id + ".json"), temporary);
        } catch (FileAlreadyExistsException repetition) {
            // it was here already
        } finally {
            Files.delete(temporary);
        }
    }

    static void work() {
        try (DirectoryStream<Path> paths = Files.newDirectoryStream(INBOX, "*.json")) {
            for (Path path : paths) {
                String body = Files.readString(path);
                if (body.isEmpty()) continue;
                handle(JsonParser.parseString(body).getAsJsonObject());
                Files.writeString(path, ""); // its name stays, so that a repetition is known
            }
        } catch (IOException | RuntimeException error) {
            error.printStackTrace(); // what is left is tried again
        }
    }

    /** Your own work; after a crash it may be done again for the same event. */
    static void handle(JsonObject event) {
        JsonObject video = event.getAsJsonObject("data");
        String id = video.get("id").getAsString();
        String type = event.get("type").getAsString();
        switch (type) {
            case "video.completed" -> System.out.println(id + " is ready: "
                    + event.getAsJsonObject("watch").get("content_url").getAsString());
            case "video.failed" -> System.out.println(id + " failed: " + video.get("error"));
            case "video.cancelled", "video.lost", "video.timed_out" ->
                    System.out.println(id + " has no video: " + type);
            default -> { } // a type that you do not need, or a later one
        }
    }

    static int answer(HttpExchange exchange) {
        try {
            byte[] body = exchange.getRequestBody().readNBytes(1 << 20);
            if (!verified(exchange.getRequestHeaders(), body)) return 401;
            store(first(exchange.getRequestHeaders(), "webhook-id"), body);
            return 204;
        } catch (GeneralSecurityException | IOException error) {
            error.printStackTrace();
            return 500; // it will come again
        }
    }

    static void receive(HttpExchange exchange) throws IOException {
        try (exchange) {
            exchange.sendResponseHeaders(answer(exchange), -1);
        }
        worker.execute(Receiver::work);
    }

    public static void main(String[] arguments) throws IOException {
        for (String secret : System.getenv("WEBHOOK_SECRETS").split(" ")) {
            SECRETS.add(Base64.getDecoder().decode(secret.replaceFirst("^whsec_", "")));
        }
        Files.createDirectories(INBOX);
        worker.scheduleWithFixedDelay(Receiver::work, 0, 5, TimeUnit.SECONDS); // also what was left
        int port = Integer.parseInt(System.getenv().getOrDefault("PORT", "9000"));
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
        server.createContext("/webhooks", Receiver::receive);
        server.setExecutor(Executors.newFixedThreadPool(8));
        server.start();
    }
}
