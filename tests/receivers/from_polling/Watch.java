import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

public class Watch {
    public static void main(String[] arguments) throws Exception {
        String videoId = "video_68f10985d6c4819097007665bdcfba5f";
        String body = "{\"video_id\": \"" + videoId + "\", \"metadata\": {\"user\": \"7\"}}";
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:8787/v1/watches"))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build();
        HttpResponse<String> answer =
                HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() >= 300) throw new IllegalStateException(answer.body());
        System.out.println(videoId + " is watched");
    }
}
